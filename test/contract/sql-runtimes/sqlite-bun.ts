// Run by `bun test`. There are no types of Bun here, so its modules are named where the compiler does not look.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SqliteDatabase, setUpSqlite, sqliteStore } from "../../../src/stores/sqlite.ts";
import { type StoreTestOptions, testStore } from "../../../src/testing.ts";

const { Database } = (await import("bun:sqlite" as string)) as {
  Database: new (file: string, options: { safeIntegers: boolean }) => SqliteDatabase & { close(): void };
};
const { test } = (await import("bun:test" as string)) as Pick<StoreTestOptions, "test">;

for (const safeIntegers of [false, true]) {
  testStore(
    safeIntegers ? "bun:sqlite with bigints" : "bun:sqlite",
    async ({ clock }) => {
      const folder = mkdtempSync(join(tmpdir(), "sojourn-bun-"));
      const open = (): InstanceType<typeof Database> => new Database(join(folder, "sessions.db"), { safeIntegers });
      const [database, second] = [setUpSqlite(open()), setUpSqlite(open())];
      // Quicker, and no less correct while the machine runs.
      for (const each of [database, second]) each.prepare("PRAGMA synchronous = OFF").all();
      const store = sqliteStore(database, { clock });
      await store.createTable();
      const dispose = (): void => {
        for (const each of [database, second]) each.close();
        rmSync(folder, { recursive: true });
      };
      // No `cut`: a statement that was prepared before close() goes on writing to the file.
      return { store, other: sqliteStore(second, { clock }), dispose };
    },
    { test, capabilities: { other: true } },
  );
}
