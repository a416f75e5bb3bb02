// Run by several processes or threads of Node at the same time, with the path of a new file and a number of updates:
// each sets the file up, and counts in one session.
import { parentPort } from "node:worker_threads";
import type { SqliteDatabase } from "../../../src/stores/sqlite.ts";
import { setUpSqlite, sqliteStore } from "../../../src/stores/sqlite.ts";

const { DatabaseSync } = (await import("node:sqlite" as string)) as {
  DatabaseSync: new (file: string) => SqliteDatabase & { close(): void };
};
const [file = "", updates = "0"] = process.argv.slice(2);
// Ready: all begin at once.
const starter = parentPort ?? process;
if (parentPort) parentPort.postMessage("ready");
else process.send?.("ready");
await new Promise((go) => starter.once("message", go));

const database = setUpSqlite(new DatabaseSync(file));
const store = sqliteStore(database);
await store.createTable();
const meta = { expiresAt: Date.now() + 3_600_000, subject: "anna" };
await store.create("key", "0", meta);
for (let done = 0; done < Number(updates); ) {
  const entry = await store.read("key");
  if (entry && (await store.update("key", String(Number(entry.value) + 1), meta, entry.version)) !== undefined) done++;
}
database.close();
parentPort?.close();
process.disconnect?.();
