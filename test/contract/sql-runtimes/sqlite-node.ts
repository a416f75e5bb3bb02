// Run by Node itself, which strips the types: vitest's own Node may have no node:sqlite.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setUpSqlite, sqliteStore } from "../../../src/stores/sqlite.ts";
import { testStore } from "../../../src/testing.ts";

for (const readBigInts of [false, true]) {
  testStore(
    readBigInts ? "node:sqlite with bigints" : "node:sqlite",
    async ({ clock }) => {
      const folder = mkdtempSync(join(tmpdir(), "sojourn-node-"));
      const open = (): DatabaseSync => new DatabaseSync(join(folder, "sessions.db"), { readBigInts } as object);
      const [database, second] = [setUpSqlite(open()), setUpSqlite(open())];
      // Quicker, and no less correct while the machine runs.
      for (const each of [database, second]) each.exec("PRAGMA synchronous = OFF");
      const store = sqliteStore(database, { clock });
      await store.createTable();
      const dispose = (): void => {
        for (const each of [database, second]) if (each.isOpen) each.close();
        rmSync(folder, { recursive: true });
      };
      return { store, other: sqliteStore(second, { clock }), cut: () => database.close(), dispose };
    },
    { test, capabilities: { other: true, cut: true } },
  );
}
