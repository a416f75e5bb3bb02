// Run by `bun test`. There are no types of Bun here, so its modules are named where the compiler does not look.
import { type SqliteDatabase, sqliteStore } from "../../../src/stores/sqlite.ts";
import { type StoreTestOptions, testStore } from "../../../src/testing.ts";

const { Database } = (await import("bun:sqlite" as string)) as {
  Database: new (file: string, options: { safeIntegers: boolean }) => SqliteDatabase & { close(): void };
};
const { test } = (await import("bun:test" as string)) as Pick<StoreTestOptions, "test">;

for (const safeIntegers of [false, true]) {
  testStore(
    safeIntegers ? "bun:sqlite with bigints" : "bun:sqlite",
    async ({ clock }) => {
      const database = new Database(":memory:", { safeIntegers });
      const store = sqliteStore(database, { clock });
      await store.createTable();
      return { store, dispose: () => database.close() };
    },
    { test },
  );
}
