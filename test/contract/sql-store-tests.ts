import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSessions, type Session } from "../../src/index.ts";
import type { Awaitable } from "../../src/platform/awaitable.ts";
import type { Entry } from "../../src/store.ts";
import type { SqlStore, SqlStoreOptions } from "../../src/stores/sql/sql-store.ts";
import { testStore } from "../../src/testing.ts";

/** A pool or connection of one driver, to a database that belongs to the test file. */
export interface SqlConnection {
  open(options?: SqlStoreOptions): SqlStore;
  execute(sql: string): Awaitable<unknown>;
  /** How many statements the driver has sent so far, as the driver or the server counts them. */
  statements(): Awaitable<number>;
  close(): Awaitable<unknown>;
}

export interface SqlEngine {
  /** `single` asks for one connection where there would be several, so that its statements can be counted. */
  connect(how?: { single: boolean }): Awaitable<SqlConnection>;
  /** The exported text that makes a table. */
  schema(table?: string): string;
  /** How the driver reports a table that is not there. */
  readonly tableMissing: Record<string, unknown>;
  /** Cuts all connections but its own, where there are connections and the driver opens new ones. */
  cut?(): Promise<void>;
}

const hour = 3_600_000;
/** Rows that a sweep removes beside requests. SWEPT_ROWS=1000000 on a machine with time, and it says how long it took. */
const USUALLY_SWEPT = 10_000;
const SWEPT = Number(process.env.SWEPT_ROWS ?? USUALLY_SWEPT);
let suites = 0;

/** The store contract on one driver, and what is true of SQL stores alone. */
export function sqlStoreTests(name: string, engine: SqlEngine): void {
  describe(name, () => {
    const suite = ++suites;
    // The drivers of one file share a database.
    const own = (table: string): string => `${table}_${suite}`;
    let shared: SqlConnection;
    beforeAll(async () => {
      shared = await engine.connect();
      await shared.open().createTable();
    });
    afterAll(() => shared?.close());

    testStore(
      "contract",
      async ({ clock }) => {
        await shared.execute("DELETE FROM sessions");
        const connection = await engine.connect();
        let close = async (): Promise<void> => void (await connection.close());
        const cut = (): Promise<void> => {
          const closed = close();
          close = async () => {};
          return closed;
        };
        return { store: connection.open({ clock }), other: shared.open({ clock }), cut, dispose: () => close() };
      },
      { test: (promise, run) => test(promise, run), capabilities: { other: true, cut: true } },
    );

    test("createTable() may be called by many connections at once, and again", async () => {
      const connections = await Promise.all(Array.from({ length: 6 }, () => engine.connect()));
      try {
        for (let round = 0; round < 5; round++) {
          const table = own(`at_once_${round}`);
          await Promise.all(connections.map(async (connection) => connection.open({ table }).createTable()));
          const store = connections[0]!.open({ table });
          expect(await store.create("key", "kept", { expiresAt: Date.now() + hour })).toBeDefined();
          await connections[1]!.open({ table }).createTable();
          expect((await store.read("key"))?.value).toBe("kept");
        }
      } finally {
        for (const connection of connections) await connection.close();
      }
    });

    test("schema() is the text of a table that the store can use", async () => {
      const table = own("migrated");
      const statements = engine.schema(table).split(/;\n/).filter(Boolean);
      for (const statement of [...statements, ...statements]) await shared.execute(statement);
      const store = shared.open({ table });
      await store.createTable();
      const expiresAt = Date.now() + hour;
      const version = await store.create("key", "value", { expiresAt, subject: "anna" });
      expect(await store.read("key")).toEqual({ value: "value", version, expiresAt });
      expect(await store.keysOf("anna")).toEqual(["key"]);
    });

    test("a table's name that is more than a name is refused", () => {
      const names = [
        "",
        " ",
        "a b",
        "a;b",
        'a"b',
        "a`b",
        "a'b",
        "a-b",
        "1a",
        "a.b.c",
        ".a",
        "a.",
        "sessions--",
        "sessions\n",
        "ä",
        "x".repeat(49),
      ];
      for (const table of [...names, 1, null, ["sessions"]]) {
        expect(() => shared.open({ table: table as string }), String(table)).toThrow(TypeError);
        expect(() => engine.schema(table as string), String(table)).toThrow(/^Cannot use .* as a table: name it as/);
      }
    });

    test("a reserved word, capitals and the longest name are names like any other", async () => {
      for (const table of ["order", "Mixed_Case", "x".repeat(48)]) {
        const store = shared.open({ table });
        await store.createTable();
        const key = own("key");
        expect(await store.create(key, table, { expiresAt: Date.now() + hour, subject: own("anna") })).toBeDefined();
        expect((await store.read(key))?.value).toBe(table);
        expect(await store.keysOf(own("anna"))).toEqual([key]);
      }
    });

    test("a clock that is no function is refused", () => {
      expect(() => shared.open({ clock: Date.now() as never })).toThrow(TypeError);
    });

    test("a clock with fractions of milliseconds is as good as any", async () => {
      const start = Date.now() + 0.25;
      let now = start;
      const store = shared.open({ table: own("fractions"), clock: () => now });
      await store.createTable();
      const version = await store.create("fractions", "1", { expiresAt: start + hour });
      expect(await store.update("fractions", "2", { expiresAt: start + hour }, version!)).toBeDefined();
      expect(await store.touch("fractions", start + 2 * hour)).toBe(true);
      expect((await store.read("fractions"))?.expiresAt).toBe(Math.floor(start) + 2 * hour);
      now = start + 2 * hour;
      expect(await store.read("fractions")).toBeUndefined();
      expect(await store.sweep(now)).toBe(1);
    });

    test("every operation is one statement, and a version that no store gave is none", async () => {
      const connection = await engine.connect({ single: true });
      try {
        const store = connection.open();
        const expiresAt = Date.now() + hour;
        const meta = { expiresAt, subject: "counted" };
        let version = await store.create("counted", "1", meta);
        const counts: Record<string, number> = {};
        async function count<T>(what: string, operation: () => Awaitable<T>): Promise<T> {
          await operation(); // Prepares the statement, once for each connection.
          const before = await connection.statements();
          const result = await operation();
          counts[what] = (await connection.statements()) - before;
          return result;
        }
        await count("read", () => store.read("counted"));
        await count("create of a taken key", () => store.create("counted", "2", meta));
        await count("create", () => store.create(`counted ${Math.random()}`, "1", meta));
        await count("update", async () => {
          version = await store.update("counted", "2", meta, version!);
        });
        await count("outdated update", () => store.update("counted", "3", meta, 1));
        await count("touch", () => store.touch("counted", expiresAt + 1));
        await count("touch at a version", () => store.touch("counted", expiresAt + 2, version));
        await count("keysOf", () => store.keysOf("counted"));
        await count("sweep", () => store.sweep(1));
        await count("delete at a version", () => store.delete("counted", version));
        await count("delete", () => store.delete("counted"));
        expect(counts).toEqual(Object.fromEntries(Object.keys(counts).map((what) => [what, 1])));

        const before = await connection.statements();
        for (const expected of ["", "1", "1; DROP TABLE sessions", Number.NaN, 0.5]) {
          expect(await store.update("counted", "3", meta, expected)).toBeUndefined();
          expect(await store.touch("counted", expiresAt, expected)).toBe(false);
          expect(await store.delete("counted", expected)).toBe(false);
        }
        expect((await connection.statements()) - before).toBe(0);
      } finally {
        await connection.close();
      }
    });

    test("a read of a session costs one statement, a write two, an untouched request without a cookie none", async () => {
      const connection = await engine.connect({ single: true });
      try {
        const sessions = createSessions<{ n: number }>({ store: connection.open() });
        let cookie = "";
        const visit = async (handler: (session: Session<{ n: number }>) => void, sent = cookie): Promise<number> => {
          const before = await connection.statements();
          const handle = sessions.wrap((_request, session) => {
            handler(session);
            return new Response();
          });
          const response = await handle(new Request("https://example.com/", { headers: { cookie: sent } }));
          cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie;
          return (await connection.statements()) - before;
        };
        const count = (session: Session<{ n: number }>): void => session.update("n", (n = 0) => n + 1);
        const kinds = {
          create: () => visit(count, ""),
          read: () => visit((session) => session.get("n")),
          write: () => visit(count),
          "no cookie": () => visit(() => {}, ""),
        };
        // A connection prepares each statement once, and that is a statement too.
        for (const ask of Object.values(kinds)) await ask();
        const costs: Record<string, number> = {};
        for (const [kind, ask] of Object.entries(kinds)) costs[kind] = await ask();
        expect(costs).toEqual({ create: 1, read: 1, write: 2, "no cookie": 0 });
      } finally {
        await connection.close();
      }
    });

    test("a create() after one that was refused on the same connection is not taken for refused", async () => {
      const connection = await engine.connect({ single: true });
      try {
        const store = connection.open({ table: own("marked") });
        await store.createTable();
        const meta = { expiresAt: Date.now() + hour };
        const version = await store.create("taken", "1", meta);
        expect(await store.create("taken", "2", meta)).toBeUndefined();
        expect(await store.create("free", "1", meta)).toBeDefined();
        expect(await store.create("taken", "2", meta)).toBeUndefined();
        expect(await store.update("taken", "2", meta, version!)).toBeDefined();
        expect(await store.create("taken", "2", meta)).toBeUndefined();
        expect(await store.touch("taken", meta.expiresAt)).toBe(true);
        expect(await store.create("taken", "2", meta)).toBeUndefined();
        expect(await store.delete("taken")).toBe(true);
      } finally {
        await connection.close();
      }
    });

    test("sweep() deletes a thousand rows at a time", async () => {
      const connection = await engine.connect({ single: true });
      try {
        const store = connection.open({ table: own("swept") });
        await store.createTable();
        await connection.execute(insertOf(own("swept"), 2500, 1000));
        await store.create("live", "x", { expiresAt: Date.now() + hour });
        const before = await connection.statements();
        expect(await store.sweep(1000)).toBe(2500);
        expect((await connection.statements()) - before).toBe(3);
        expect(await store.sweep(1000)).toBe(0);
        expect(await store.read("live")).toBeDefined();
      } finally {
        await connection.close();
      }
    });

    test("a value that somebody damaged is handed on as it is", async () => {
      const store = shared.open();
      await store.create("damaged", "whole", { expiresAt: Date.now() + hour });
      await shared.execute("UPDATE sessions SET value = '{\"half' WHERE session_key = 'damaged'");
      expect((await store.read("damaged"))?.value).toBe('{"half');
    });

    test("an error is the driver's own, and the store works when its cause is gone", async () => {
      const store = shared.open({ table: own("made_later") });
      const meta = { expiresAt: Date.now() + hour };
      await expect((async () => store.read("key"))()).rejects.toMatchObject(engine.tableMissing);
      await expect((async () => store.create("key", "x", meta))()).rejects.toMatchObject(engine.tableMissing);
      await store.createTable();
      expect(await store.create("key", "x", meta)).toBeDefined();
    });

    test("connections that race over the same rows lose no update, and neither does a sweep beside them", async () => {
      const connections = await Promise.all([engine.connect(), engine.connect()]);
      const rounds = 20;
      try {
        const [one, two] = connections.map((connection) => connection.open({ table: own("raced") })) as [
          SqlStore,
          SqlStore,
        ];
        await one.createTable();
        const meta = { expiresAt: Date.now() + hour, subject: "anna" };
        await one.create("counter", "0", meta);
        const add = async (store: SqlStore): Promise<void> => {
          for (let left = rounds; left > 0; ) {
            const { value, version } = (await store.read("counter"))!;
            if ((await store.update("counter", String(Number(value) + 1), meta, version)) !== undefined) left--;
          }
        };
        const revive = async (store: SqlStore, wins: number[]): Promise<void> => {
          for (let i = 0; i < rounds; i++) {
            // The key expires at once: whoever comes next may take it, but a sweep may be taking it away.
            if ((await store.create(`short ${i}`, "x", { expiresAt: 1, subject: "bert" })) !== undefined) wins[i]!++;
            await store.delete(`short ${i}`);
          }
        };
        const wins = Array<number>(rounds).fill(0);
        const sweep = async (store: SqlStore): Promise<void> => {
          for (let i = 0; i < rounds; i++) await store.sweep(Date.now());
        };
        await Promise.all(
          [one, two].flatMap((store) => [
            add(store),
            add(store),
            add(store),
            revive(store, wins),
            revive(store, wins),
            sweep(store),
          ]),
        );
        expect((await two.read("counter"))?.value).toBe(String(6 * rounds));
        expect(wins).toEqual(Array(rounds).fill(4));
        expect(await one.keysOf("bert")).toEqual([]);
      } finally {
        for (const connection of connections) await connection.close();
      }
    });

    test("sweeps that race count every row once", async () => {
      const connections = await Promise.all([engine.connect(), engine.connect()]);
      try {
        const stores = connections.map((connection) => connection.open({ table: own("swept_together") }));
        await stores[0]!.createTable();
        await shared.execute(insertOf(own("swept_together"), 3500, 1000));
        const counts = await Promise.all(stores.map(async (store) => store.sweep(1000)));
        expect(counts.reduce((sum, count) => sum + count)).toBe(3500);
      } finally {
        for (const connection of connections) await connection.close();
      }
    });

    test(
      "requests go on while a sweep of many rows runs",
      async () => {
        const connections = await Promise.all([engine.connect(), engine.connect()]);
        try {
          const table = own("swept_under_way");
          const [sweeping, serving] = connections.map((connection) => connection.open({ table })) as [
            SqlStore,
            SqlStore,
          ];
          await sweeping.createTable();
          for (let rows = 0; rows < SWEPT; rows += 10_000) {
            await shared.execute(insertOf(table, Math.min(10_000, SWEPT - rows), 1000, rows));
          }
          const meta = { expiresAt: Date.now() + hour, subject: "anna" };
          let version = await serving.create("live", "0", meta);
          let [requests, left, slowest] = [0, true, 0];
          const start = performance.now();
          const swept = Promise.resolve(sweeping.sweep(1000)).finally(() => {
            left = false;
          });
          do {
            const sent = performance.now();
            const entry = await serving.read("live");
            expect(entry?.version).toBe(version);
            version = await serving.update("live", String(++requests), meta, version!);
            expect(version).toBeDefined();
            slowest = Math.max(slowest, performance.now() - sent);
            // Where the client is synchronous the sweep needs its turn.
            await new Promise((resume) => setTimeout(resume));
          } while (left);
          expect(await swept).toBe(SWEPT);
          expect(await serving.read("live")).toMatchObject({ value: String(requests) });
          if (SWEPT > USUALLY_SWEPT) {
            const [seconds, longest] = [(performance.now() - start) / 1000, Math.round(slowest)];
            console.log(
              `${SWEPT} rows in ${seconds.toFixed(1)} s beside ${requests} requests, the slowest ${longest} ms`,
            );
          }
        } finally {
          for (const connection of connections) await connection.close();
        }
      },
      SWEPT / 20 + 30_000,
    );

    if (engine.cut === undefined) return;
    test("the store works again after its connections were cut", async () => {
      const connection = await engine.connect();
      try {
        const store = connection.open();
        const meta = { expiresAt: Date.now() + hour };
        const version = await store.create("cut", "before", meta);
        await engine.cut?.();
        let entry: Entry | undefined;
        // A driver may notice a dead connection only when it uses it; each attempt rids it of one.
        for (let i = 0; i < 10; i++) entry ??= await (async () => store.read("cut"))().catch(() => undefined);
        expect(entry).toEqual({ value: "before", version, expiresAt: meta.expiresAt });
        expect(await store.update("cut", "after", meta, version!)).toBeDefined();
      } finally {
        await connection.close();
      }
    });
  });
}

/** Rows without a store, in one statement. */
export function insertOf(table: string, rows: number, expiresAt: number, from = 0): string {
  const values = Array.from({ length: rows }, (_, i) => `('old ${from + i}', 'x', 1, ${expiresAt})`);
  return `INSERT INTO ${table} (session_key, value, version, expires_at) VALUES ${values.join(", ")}`;
}
