import process from "node:process";
import connectPgSimple from "connect-pg-simple";
import session from "express-session";
import pg from "pg";
import { expressSession } from "./express-session.js";
import { library, sojournLazy } from "./sojourn.js";

const pool = () => new pg.Pool({ connectionString: process.env.BENCH_POSTGRES, max: 10 }).on("error", () => {}); // the database is dropped at the end

export async function sojournOnPostgres() {
  const { postgresStore } = await library("./postgres");
  const store = postgresStore(pool());
  await store.createTable();
  return sojournLazy(store);
}

export function expressOnPostgres() {
  const Store = connectPgSimple(session);
  return expressSession({
    store: new Store({ pool: pool(), createTableIfMissing: true, pruneSessionInterval: false }),
  });
}
