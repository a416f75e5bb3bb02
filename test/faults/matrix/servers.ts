// cspell:ignore appendonly appendfsync datname plpgsql ERRCODE everysec maxmemory mysqld
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { schema as mysqlSchema, mysqlStore } from "@sojourn/session/mysql";
import { natsStore } from "@sojourn/session/nats";
import { postgresStore } from "@sojourn/session/postgres";
import { redisStore } from "@sojourn/session/redis";
import { createConnection, createPool } from "mysql2/promise";
import pg from "pg";
import { createClient } from "redis";
import { natsServerProgram, startNats } from "../../contract/nats-server.ts";
import { redisServerProgram, startRedis } from "../../contract/redis-server.ts";
import { service } from "../../services.ts";
import { type NetworkProxy, startProxy } from "../../support/proxy.ts";
import { mountSmallDisk, type SmallDisk, withoutSmallDisk } from "../../support/small-disk.ts";
import { pause } from "../engines.ts";
import { type FaultName, type Faults, type MatrixEngine, network, type OpenedEngine, opened } from "./engine.ts";

/** Each on a server: of the test's own where one can be started, else in a database of its own. */
export async function serverEngines(): Promise<readonly MatrixEngine[]> {
  const reason = withoutSmallDisk();
  const without = reason === undefined ? {} : { "disk full": reason };
  return [
    { name: "redisStore()", needs: redisServerProgram(), without, open: openRedis },
    { name: "postgresStore()", needs: await service("postgres"), without, open: openPostgres },
    { name: "mysqlStore()", needs: await service("mariadb"), without, open: openMysql },
    { name: "natsStore()", needs: natsServerProgram(), without, open: openNats },
  ];
}

function diskFor(fault: FaultName, megabytes: number, owner?: string): SmallDisk | undefined {
  return fault === "disk full" ? mountSmallDisk(megabytes, owner) : undefined;
}

function fullDisk(disk: SmallDisk | undefined): Faults {
  return disk ? { "disk full": [disk.fill, disk.free] } : {};
}

/** A server that others use too is not killed: it ends the connections of the test, and takes no new ones. */
function killedFor(proxy: NetworkProxy, endConnections: () => Promise<unknown>): Faults {
  const kill = async (): Promise<void> => {
    proxy.refuse();
    await endConnections();
  };
  return { killed: [kill, proxy.allow] };
}

async function openRedis(fault: FaultName): Promise<OpenedEngine> {
  const folder = await mkdtemp(join(tmpdir(), "sojourn-matrix-"));
  const disk = diskFor(fault, 4);
  // With "always" a server that cannot write ends itself, with "everysec" it refuses writes.
  const policy = disk ? "everysec" : "always";
  const server = await startRedis("appendonly yes", `appendfsync ${policy}`, `dir ${disk?.path ?? folder}`);
  const proxy = await startProxy(server.port);
  const open = (port: number) =>
    createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: 30 } }).on("error", () => {});
  const [client, admin] = await Promise.all([open(proxy.port).connect(), open(server.port).connect()]);
  const set = (name: string, value: string) => () => admin.configSet(name, value);
  const faults: Faults = {
    ...network(proxy),
    ...fullDisk(disk),
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
    disk?.close();
    await rm(folder, { recursive: true, force: true });
  });
}

async function openPostgres(fault: FaultName): Promise<OpenedEngine> {
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
  const disk = diskFor(fault, 1, "postgres");
  if (disk) {
    await admin.query(`CREATE TABLESPACE ${database} LOCATION '${disk.path}'`);
    await pool.query(`ALTER TABLE sessions SET TABLESPACE ${database}`);
  }
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
    ...fullDisk(disk),
    ...killedFor(proxy, () => admin.query(end)),
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
    if (disk) await admin.query(`DROP TABLESPACE ${database}`);
    disk?.close();
    await admin.end();
  });
}

async function openMysql(fault: FaultName): Promise<OpenedEngine> {
  const name = `sojourn_matrix_${randomBytes(6).toString("hex")}`;
  const user = name.slice(0, 26);
  const admin = await createConnection({ host: "127.0.0.1", user: "root" });
  await admin.query(`CREATE DATABASE ${name}`);
  const disk = diskFor(fault, 2, "mysql");
  if (disk) await admin.query(mysqlSchema(`${name}.sessions`).replace(/;\n$/, ` DATA DIRECTORY='${disk.path}'`));
  else await mysqlStore(admin, { table: `${name}.sessions` }).createTable();
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
    ...fullDisk(disk),
    ...killedFor(proxy, () => admin.query(`KILL USER ${user}`).catch(() => {})),
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
    disk?.close();
    await admin.end();
  });
}

async function openNats(fault: FaultName): Promise<OpenedEngine> {
  const disk = diskFor(fault, 8);
  const users = (rights: string): string =>
    `authorization { users: [
      { user: app, password: app, permissions: { publish: { ${rights} } } }, { user: admin, password: admin }
    ] }`;
  const [all, reading] = [users('allow: ">"'), users('deny: "$KV.>"')];
  const server = await startNats({ disk: disk?.path, jetstream: "max_file_store: 2M", lines: [all] });
  const proxy = await startProxy(server.port);
  const open = (to: number, user: string) =>
    connect({
      servers: `127.0.0.1:${to}`,
      user,
      pass: user,
      reconnectTimeWait: 30,
      maxReconnectAttempts: -1,
      // A server tells its clients where else it is found; these are to stay with the proxy.
      ignoreClusterUpdates: true,
    });
  const [connection, admin] = await Promise.all([open(proxy.port, "app"), open(server.port, "admin")]);
  const bucket = await new Kvm(connection).create("sessions");
  const filler = await new Kvm(admin).create("filler");
  async function fill(): Promise<void> {
    for (let n = 0, size = 100_000; size > 50; n++) {
      await filler.put(`k.${n}`, new Uint8Array(size)).catch(() => {
        size /= 2;
      });
    }
  }
  // JetStream is off from the first write that failed until the server is started again.
  async function freeAndStart(): Promise<void> {
    disk?.free();
    await server.kill();
    await server.start();
  }
  const faults: Faults = {
    ...network(proxy),
    killed: [server.kill, server.start],
    full: [fill, () => filler.destroy()],
    ...(disk && { "disk full": [disk.fill, freeAndStart] }),
    "read-only": [() => server.configure(reading), () => server.configure(all)],
  };
  return opened(natsStore(bucket), faults, async () => {
    await Promise.all([connection.close(), admin.close()]);
    await proxy.close();
    await server.stop();
    disk?.close();
  });
}
