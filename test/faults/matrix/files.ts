import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient } from "@libsql/client";
import type { SessionStore } from "@sojourn/session";
import { sqliteStore } from "@sojourn/session/sqlite";
import { service } from "../../services.ts";
import { mountSmallDisk, withoutSmallDisk } from "../../support/small-disk.ts";
import { type FaultName, type Faults, type MatrixEngine, type OpenedEngine, opened } from "./engine.ts";
import { startStoreProcess } from "./store-process.ts";

/** On a file of this machine. */
export async function fileEngines(): Promise<readonly MatrixEngine[]> {
  const reason = withoutSmallDisk();
  const small = reason === undefined ? {} : { "disk full": reason };
  const deno = await service("deno");
  return [
    { name: "sqliteStore() on libsql", needs: [], without: { cut: "no network", ...small }, open: openSqlite },
    {
      name: "denoKvStore()",
      needs: deno,
      without: { cut: "no network", "read-only": "no such setting", ...small },
      open: (fault) => openDeno(deno.path ?? "deno", fault),
    },
  ];
}

async function place(fault: FaultName): Promise<{ file: string; faults: Faults; remove(): Promise<unknown> }> {
  const folder = await mkdtemp(join(tmpdir(), "sojourn-matrix-"));
  const disk = fault === "disk full" ? mountSmallDisk(1) : undefined;
  return {
    file: join(disk?.path ?? folder, "sessions.db"),
    faults: disk ? { "disk full": [disk.fill, disk.free] } : {},
    remove() {
      disk?.close();
      return rm(folder, { recursive: true, force: true });
    },
  };
}

async function openSqlite(fault: FaultName): Promise<OpenedEngine> {
  const { file, faults, remove } = await place(fault);
  if (fault === "killed") {
    const { store, faults, close } = await startStoreProcess(process.execPath, [libsqlProcess, file]);
    return opened(store, faults, () => close().then(remove));
  }
  const client = createClient({ url: `file:${file}` });
  const store = sqliteStore(client);
  await store.createTable();
  const pragma = (text: string) => () => client.execute(`PRAGMA ${text}`);
  const all: Faults = {
    ...faults,
    slow: [() => lock(file, 200), () => {}],
    full: [() => fillPages(client, store), pragma("max_page_count = 1073741823")],
    "read-only": [pragma("query_only = ON"), pragma("query_only = OFF")],
  };
  return opened(store, all, async () => {
    client.close();
    await remove();
  });
}

async function openDeno(deno: string, fault: FaultName): Promise<OpenedEngine> {
  const { file, faults, remove } = await place(fault);
  const flags = ["run", "--quiet", "--no-lock", "--allow-all", "--unstable-kv"];
  const program = await startStoreProcess(deno, [...flags, denoProcess, file]);
  const admin = createClient({ url: `file:${file}` });
  // Deno KV is a file of SQLite: this is how it reports that it has no more room.
  const full = ["INSERT", "UPDATE"].map(
    (when) =>
      `CREATE TRIGGER full_${when} BEFORE ${when} ON kv BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`,
  );
  const all: Faults = {
    ...program.faults,
    ...faults,
    slow: [() => lock(file, 200), () => {}],
    full: [() => admin.batch(full), () => admin.batch(["DROP TRIGGER full_INSERT", "DROP TRIGGER full_UPDATE"])],
  };
  return opened(program.store, all, async () => {
    admin.close();
    await program.close();
    await remove();
  });
}

/** Another process has the lock for so long. */
async function lock(file: string, ms: number): Promise<void> {
  const client = createClient({ url: `file:${file}` });
  const held = await client.transaction("write");
  setTimeout(() => void held.rollback().finally(() => client.close()), ms).unref();
}

async function fillPages(client: Client, store: SessionStore): Promise<void> {
  const pages = Number((await client.execute("PRAGMA page_count")).rows[0]?.[0]);
  await client.execute(`PRAGMA max_page_count = ${pages}`);
  // What room there is in pages that are begun
  for (let size = 3_000, n = 0; size > 0; n++) {
    await Promise.resolve(store.create(`filler ${n}`, "x".repeat(size), { expiresAt: Date.now() + 60_000 })).catch(
      () => {
        size = Math.floor(size / 2);
      },
    );
  }
}

const libsqlProcess = join(import.meta.dirname, "libsql-process.js");
const denoProcess = join(import.meta.dirname, "deno-process.ts");
