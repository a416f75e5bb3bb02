// Run by `bun test`, with the database's URL in DATABASE_URL. There are no types of Bun here, so its modules are named
// where the compiler does not look.
import { type PostgresJsClient, postgresStore } from "../../../src/stores/postgres.ts";
import { type StoreTestOptions, testStore } from "../../../src/testing.ts";

type BunSql = new (url: string) => PostgresJsClient & { close(): Promise<void> };
const { SQL } = (await import("bun" as string)) as { SQL: BunSql };
const { test, afterAll } = (await import("bun:test" as string)) as Pick<StoreTestOptions, "test"> & {
  afterAll(done: () => Promise<void>): void;
};

const sql = new SQL(process.env.DATABASE_URL ?? "");
const table = "bun_sql";
await postgresStore(sql, { table }).createTable();
afterAll(() => sql.close());

testStore(
  "the SQL of Bun",
  async ({ clock }) => {
    await sql.unsafe(`DELETE FROM ${table}`);
    const own = new SQL(process.env.DATABASE_URL ?? "");
    const close = (): Promise<void> => own.close();
    const options = { table, clock };
    return { store: postgresStore(own, options), other: postgresStore(sql, options), cut: close, dispose: close };
  },
  { test, capabilities: { other: true, cut: true } },
);
