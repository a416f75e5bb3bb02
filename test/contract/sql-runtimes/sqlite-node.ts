// Run by Node itself, which strips the types: vitest's own Node may have no node:sqlite.
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { sqliteStore } from "../../../src/stores/sqlite.ts";
import { testStore } from "../../../src/testing.ts";

for (const readBigInts of [false, true]) {
  testStore(
    readBigInts ? "node:sqlite with bigints" : "node:sqlite",
    async ({ clock }) => {
      const database = new DatabaseSync(":memory:", { readBigInts } as object);
      const store = sqliteStore(database, { clock });
      await store.createTable();
      return { store, dispose: () => database.close() };
    },
    { test },
  );
}
