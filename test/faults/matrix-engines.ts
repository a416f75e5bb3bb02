// cspell:ignore appendonly appendfsync datname plpgsql ERRCODE maxmemory
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient as createLibsqlClient } from "@libsql/client";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import type { SessionStore } from "@sojourn/session";
import { mysqlStore } from "@sojourn/session/mysql";
import { natsStore } from "@sojourn/session/nats";
import { postgresStore } from "@sojourn/session/postgres";
import { redisStore } from "@sojourn/session/redis";
import { sqliteStore } from "@sojourn/session/sqlite";
import { createConnection, createPool } from "mysql2/promise";
import pg from "pg";
import { createClient } from "redis";
import { redisServerProgram, startRedis } from "../contract/redis-server.ts";
import { type Service, service } from "../services.ts";
import { startProxy } from "../support/proxy.ts";
import { freePort, pause } from "./engines.ts";

export const faultNames = ["killed", "cut", "slow", "full", "read-only"] as const;
export type FaultName = (typeof faultNames)[number];

type Begin = () => unknown | Promise<unknown>;
/** What begins a fault, and what ends it. */
type Faults = Partial<Record<FaultName, [begin: Begin, end: Begin]>>;

/** An engine of the test's own, and its store. */
export interface MatrixEngine {
  readonly name: string;
  readonly needs: Service | readonly Service[];
  /** Faults that it cannot have, with the reason. */
  readonly without: Partial<Record<FaultName, string>>;
  open(): Promise<{
    readonly store: SessionStore;
    begin(fault: FaultName): Promise<() => unknown>;
    close(): Promise<unknown>;
  }>;
}

export async function matrixEngines(): Promise<readonly MatrixEngine[]> {
  return [
    { name: "redisStore()", needs: redisServerProgram(), without: {}, open: openRedis },
    { name: "postgresStore()", needs: await service("postgres"), without: {}, open: openPostgres },
    { name: "mysqlStore()", needs: await service("mariadb"), without: {}, open: openMysql },
    { name: "natsStore()", needs: natsServerProgram(), without: { "read-only": "no such setting" }, open: openNats },
    {
      name: "sqliteStore() on libsql",
      needs: [],
      without: { killed: "no server", cut: "no network", slow: "no network" },
      open: openSqlite,
    },
  ];
}

function opened(
  store: SessionStore,
  faults: Faults,
  close: () => Promise<unknown>,
): Awaited<ReturnType<MatrixEngine["open"]>> {
  return {
    store,
    async begin(fault) {
      const [begin, end] = faults[fault] ?? [];
      await begin?.();
      return () => end?.();
    },
    close,
  };
}

/** What a proxy does to a network. */
function network(proxy: Awaited<ReturnType<typeof startProxy>>): Faults {
  return { cut: [() => proxy.cut(), () => {}], slow: [() => proxy.delay(200), () => {}] };
}

async function openRedis(): ReturnType<MatrixEngine["open"]> {
  const folder = await mkdtemp(join(tmpdir(), "sojourn-matrix-"));
  const server = await startRedis("appendonly yes", "appendfsync always", `dir ${folder}`);
  const proxy = await startProxy(server.port);
  const open = (port: number) =>
    createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: 30 } }).on("error", () => {});
  const [client, admin] = await Promise.all([open(proxy.port).connect(), open(server.port).connect()]);
  const set = (name: string, value: string) => () => admin.configSet(name, value);
  const faults: Faults = {
    ...network(proxy),
    killed: [server.stop, server.start],
    full: [set("maxmemory", "1mb"), set("maxmemory", "0")],
    // What a primary that has lost its replicas does.
    "read-only": [set("min-replicas-to-write", "1"), set("min-replicas-to-write", "0")],
  };
  return opened(redisStore(client), faults, async () => {
    client.destroy();
    admin.destroy();
    await proxy.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
}

async function openPostgres(): ReturnType<MatrixEngine["open"]> {
  const database = `sojourn_matrix_${randomBytes(6).toString("hex")}`;
  const server = { host: "127.0.0.1", user: "postgres" };
  const admin = new pg.Pool({ ...server, database: "postgres" });
  await admin.query(`CREATE DATABASE ${database}`);
  const proxy = await startProxy(5432);
  const pool = new pg.Pool({ ...server, port: proxy.port, database });
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  const store = postgresStore(pool);
  await store.createTable();
  const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`;
  const onOwn = (sql: string) => async () => {
    const client = new pg.Client({ ...server, database });
    await client.connect();
    await client.query(sql);
    await client.end();
  };
  const readOnly = (value: string) => async () => {
    await admin.query(`ALTER DATABASE ${database} SET default_transaction_read_only = ${value}`);
    await admin.query(end);
    await pause(50);
  };
  const faults: Faults = {
    ...network(proxy),
    killed: [
      async () => {
        proxy.refuse();
        await admin.query(end);
      },
      proxy.allow,
    ],
    // As a full disk is reported: writes that need room fail, with the code of the real thing.
    full: [
      onOwn(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
        CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION full_disk()`),
      onOwn("DROP TRIGGER full_disk ON sessions"),
    ],
    "read-only": [readOnly("on"), readOnly("off")],
  };
  return opened(store, faults, async () => {
    await pool.end();
    await proxy.close();
    await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
    await admin.end();
  });
}

async function openMysql(): ReturnType<MatrixEngine["open"]> {
  const name = `sojourn_matrix_${randomBytes(6).toString("hex")}`;
  const user = name.slice(0, 26);
  const admin = await createConnection({ host: "127.0.0.1", user: "root" });
  await admin.query(`CREATE DATABASE ${name}`);
  await mysqlStore(admin, { table: `${name}.sessions` }).createTable();
  // Of the table: those of a whole database are noticed by new connections only.
  const grants = `INSERT, UPDATE, DELETE ON ${name}.sessions`;
  const hosts = ["127.0.0.1", "localhost"];
  const each = (sql: (who: string) => string) => async () => {
    for (const host of hosts) await admin.query(sql(`${user}@'${host}'`));
  };
  await each((who) => `CREATE USER ${who}`)();
  await each((who) => `GRANT SELECT, ${grants} TO ${who}`)();
  const proxy = await startProxy(3306);
  const pool = createPool({ host: "127.0.0.1", port: proxy.port, user, database: name });
  const trigger = (when: string) =>
    admin.query(`CREATE TRIGGER ${name}.full_${when} BEFORE ${when} ON ${name}.sessions FOR EACH ROW
      SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1114, MESSAGE_TEXT = 'The table is full'`);
  const faults: Faults = {
    ...network(proxy),
    killed: [
      async () => {
        proxy.refuse();
        await admin.query(`KILL USER ${user}`).catch(() => {});
      },
      proxy.allow,
    ],
    // As a full disk is reported, with the number of the real thing.
    full: [
      () => Promise.all(["INSERT", "UPDATE"].map(trigger)),
      () => Promise.all(["INSERT", "UPDATE"].map((when) => admin.query(`DROP TRIGGER ${name}.full_${when}`))),
    ],
    "read-only": [each((who) => `REVOKE ${grants} FROM ${who}`), each((who) => `GRANT ${grants} TO ${who}`)],
  };
  return opened(mysqlStore(pool), faults, async () => {
    await pool.end();
    await proxy.close();
    await each((who) => `DROP USER ${who}`)();
    await admin.query(`DROP DATABASE ${name}`);
    await admin.end();
  });
}

async function openNats(): ReturnType<MatrixEngine["open"]> {
  const folder = await mkdtemp(join(tmpdir(), "sojourn-matrix-"));
  const port = await freePort();
  const config = join(folder, "nats.conf");
  await writeFile(config, `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${folder}", max_file_store: 2M }`);
  let server = await startNats(config);
  const proxy = await startProxy(port);
  const open = (to: number) =>
    connect({
      servers: `127.0.0.1:${to}`,
      reconnectTimeWait: 30,
      maxReconnectAttempts: -1,
      // A server tells its clients where else it is found; these are to stay with the proxy.
      ignoreClusterUpdates: true,
    });
  const [connection, admin] = await Promise.all([open(proxy.port), open(port)]);
  const bucket = await new Kvm(connection).create("sessions");
  const filler = await new Kvm(admin).create("filler");
  const faults: Faults = {
    ...network(proxy),
    killed: [
      () => kill(server),
      async () => {
        server = await startNats(config);
      },
    ],
    full: [
      async () => {
        for (let n = 0, size = 100_000; size > 50; n++) {
          await filler.put(`k.${n}`, new Uint8Array(size)).catch(() => {
            size /= 2;
          });
        }
      },
      () => filler.destroy(),
    ],
  };
  return opened(natsStore(bucket), faults, async () => {
    await Promise.all([connection.close(), admin.close()]);
    await proxy.close();
    await kill(server);
    await rm(folder, { recursive: true, force: true });
  });
}

async function openSqlite(): ReturnType<MatrixEngine["open"]> {
  const folder = await mkdtemp(join(tmpdir(), "sojourn-matrix-"));
  const client = createLibsqlClient({ url: `file:${join(folder, "sessions.db")}` });
  const store = sqliteStore(client);
  await store.createTable();
  const pragma = (text: string) => () => client.execute(`PRAGMA ${text}`);
  const faults: Faults = {
    full: [
      async () => {
        const pages = Number((await client.execute("PRAGMA page_count")).rows[0]?.[0]);
        await client.execute(`PRAGMA max_page_count = ${pages}`);
        // What room there is in pages that are begun
        for (let size = 3_000, n = 0; size > 0; n++) {
          await Promise.resolve(
            store.create(`filler ${n}`, "x".repeat(size), { expiresAt: Date.now() + 60_000 }),
          ).catch(() => {
            size = Math.floor(size / 2);
          });
        }
      },
      pragma("max_page_count = 1073741823"),
    ],
    "read-only": [pragma("query_only = ON"), pragma("query_only = OFF")],
  };
  return opened(store, faults, async () => {
    client.close();
    await rm(folder, { recursive: true, force: true });
  });
}

function natsServerProgram(): Service {
  const available = spawnSync("nats-server", ["--version"]).status === 0;
  return { name: "nats", available, reason: available ? "" : "nats-server is not installed" };
}

async function startNats(config: string): Promise<ChildProcess> {
  const server = spawn("nats-server", ["-c", config], { stdio: ["ignore", "ignore", "pipe"] });
  running.add(server);
  await new Promise<void>((resolve, reject) => {
    let log = "";
    server.stderr.on("data", (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes("Server is ready")) resolve();
    });
    server.once("error", reject);
    server.once("exit", () => reject(new Error(`nats-server ended: ${log}`)));
  });
  return server;
}

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const server of running) server.kill("SIGKILL");
});

async function kill(server: ChildProcess): Promise<void> {
  running.delete(server);
  const ended = new Promise((resolve) => server.once("exit", resolve));
  if (server.exitCode === null && server.signalCode === null && server.kill("SIGKILL")) await ended;
}
