import { randomUUID } from "node:crypto";
import { type KV, Kvm } from "@nats-io/kv";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSessions } from "../../src/index.ts";
import type { Version } from "../../src/store.ts";
import { digest, newToken as newKey } from "../../src/stored/token.ts";
import { type NatsBucket, natsStore } from "../../src/stores/nats.ts";
import { testStore } from "../../src/testing.ts";
import { describeWith, service } from "../services.ts";
import { natsServerProgram, startNats } from "./nats-server.ts";

const hour = 3_600_000;

describeWith(await service("nats"), "natsStore()", () => {
  let connection: NatsConnection;
  let bucket: KV;
  beforeAll(async () => {
    connection = await connect({ servers: "127.0.0.1:4222" });
    bucket = await newBucket();
  });
  afterAll(async () => {
    await bucket.destroy();
    await connection.close();
  });

  testStore(
    "natsStore()",
    async ({ clock }) => {
      const own = await newBucket();
      const cuttable = await connect({ servers: "127.0.0.1:4222" });
      const handle = await new Kvm(cuttable).open(bucketName(own));
      return {
        store: natsStore(handle, { clock }),
        other: natsStore(own, { clock }),
        cut: () => cuttable.close(),
        dispose: () => Promise.all([own.destroy(), cuttable.close()]),
      };
    },
    { test, capabilities: { touch: false, other: true, cut: true } },
  );

  test("read() and update() are one request each", async () => {
    const requests: string[] = [];
    const counted = watched(bucket, (name) => void requests.push(name));
    const [store, key, meta] = [natsStore(counted), newKey(), { expiresAt: Date.now() + hour, subject: "anna" }];
    let version = (await store.create(key, "1", meta)) as Version;
    requests.length = 0;
    version = (await store.read(key))?.version as Version;
    expect(requests.splice(0)).toEqual(["get"]);
    version = (await store.update(key, "2", meta, version)) as Version;
    expect(requests.splice(0)).toEqual(["update"]);
    expect(await store.delete(key, version)).toBe(true);
    expect(requests.splice(0)[0]).toBe("purge");
  });

  test("a crash between index and session leaves a name that is not listed, and that sweep() removes once the session would have ended", async () => {
    const own = await newBucket();
    let now = Date.now();
    const store = natsStore(own, { clock: () => now });
    const killed = natsStore(failing(own, "create"), { clock: () => now });
    const [key, listed, meta] = [newKey(), newKey(), { expiresAt: now + hour, subject: "anna" }];
    const version = (await store.create(listed, "x", meta)) as Version;
    await expect(killed.create(key, "x", meta)).rejects.toThrow("killed");
    expect(await store.keysOf?.("anna")).toEqual([listed]);
    await store.sweep?.(now);
    expect(await names(own, "subject.>")).toHaveLength(2);
    await store.update(listed, "x", { ...meta, expiresAt: now + 5 * hour }, version);
    now += hour;
    await store.sweep?.(now);
    expect(await names(own, "subject.>")).toEqual([expect.stringContaining(listed)]);
    expect(await store.keysOf?.("anna")).toEqual([listed]);
    await own.destroy();
  });

  test("what a session left behind is removed, and of an ended one only the mark stays", async () => {
    const own = await newBucket();
    const [store, key, expiresAt] = [natsStore(own), newKey(), Date.now() + hour];
    let version = (await store.create(key, "1", { expiresAt, subject: "anna" })) as Version;
    for (const subject of ["bert", "anna"])
      version = (await store.update(key, "2", { expiresAt, subject }, version)) as Version;
    await expect.poll(() => names(own, "subject.>")).toHaveLength(1);
    await store.delete(key, version);
    await expect.poll(() => names(own, ">")).toEqual([]);
    await own.destroy();
  });

  test("values and subjects of any characters come back, lone surrogates too", async () => {
    const store = natsStore(bucket);
    const meta = { expiresAt: Date.now() + hour };
    for (const text of [
      "",
      "\n",
      "\ufeffbom",
      "\ud800",
      "a\udc00b\n",
      "\ud83d\ude00",
      "\0\u2028\uffff",
      "a.b.*.>",
      "a b",
    ]) {
      const key = newKey();
      await store.create(key, text, { ...meta, subject: text });
      expect((await store.read(key))?.value).toBe(text);
      expect(await store.keysOf?.(text)).toEqual([key]);
    }
  });

  test("read() hands on a damaged value as it is; no version opens it, and create() and delete() may replace it", async () => {
    const [store, meta] = [natsStore(bucket), { expiresAt: Date.now() + hour }];
    for (const damaged of ["", "x", "0000000000000000 - - text", "9999999999999999 - - json\nv"]) {
      const [key, other] = [newKey(), newKey()];
      await bucket.put(`session.${key}`, damaged);
      await bucket.put(`session.${other}`, damaged);
      const entry = await store.read(key);
      expect(entry?.value).toBe(damaged);
      expect(await store.update(key, "y", meta, entry?.version as Version)).toBeUndefined();
      expect(await store.delete(key, entry?.version)).toBe(false);
      expect(await store.sweep?.(Date.now())).toBe(0);
      expect(await store.create(key, "new", meta)).toBeDefined();
      expect((await store.read(key))?.value).toBe("new");
      expect(await store.delete(other)).toBe(true);
      expect(await store.read(other)).toBeUndefined();
    }
  });

  test("an error of the server or the connection is the client's own, and nothing is left unhandled", async () => {
    const closing = await connect({ servers: "127.0.0.1:4222" });
    const store = natsStore(await new Kvm(closing).open(bucketName(bucket)));
    await closing.close();
    const meta = { expiresAt: Date.now() + hour, subject: "anna" };
    await expect(store.read(newKey())).rejects.toThrow(/closed/i);
    await expect(store.create(newKey(), "x", meta)).rejects.toThrow(/closed/i);
    await expect(store.keysOf?.("anna")).rejects.toThrow(/closed/i);
    // Sound up to the limit of the server, and then its error.
    const large = newKey();
    await expect(natsStore(bucket).create(large, "x".repeat(2_000_000), meta)).rejects.toThrow(RangeError);
    await expect(natsStore(bucket).create(large, "x".repeat(2_000_000), meta)).rejects.toThrow(/max_payload/);
    expect(await names(bucket, `subject.*.${large}.*`)).toEqual([]);
  });

  test("a value over the bucket's own limit is a RangeError, and leaves what was stored", async () => {
    const own = await new Kvm(connection).create(`sojourn-test-${randomUUID()}`, { maxValueSize: 2_000 });
    const [store, key, meta] = [natsStore(own), newKey(), { expiresAt: Date.now() + hour }];
    const version = (await store.create(key, "small", meta)) as Version;
    const write = store.update(key, "x".repeat(5_000), { ...meta, subject: "anna" }, version);
    await expect(write).rejects.toThrow(RangeError);
    expect(await store.read(key)).toMatchObject({ value: "small", version });
    expect(await names(own, "subject.>")).toEqual([]);
    await own.destroy();
  });

  test("a bucket that drops its oldest entries when it is full is refused with the first session", async () => {
    const meta = { expiresAt: Date.now() + hour, subject: "anna" };
    for (const storage of ["memory", "file"]) {
      const limits = { max_bytes: 5_000, storage: storage as never };
      const own = await new Kvm(connection).create(`sojourn-test-${randomUUID()}`, limits);
      // What it would do
      for (let n = 0; n < 100; n++) await own.put(`k.${n}`, "x").catch(() => {});
      expect((await names(own, "k.*")).includes("k.0")).toBe(false);
      await expect(natsStore(own).create(newKey(), "x", meta)).rejects.toThrow(/max_bytes.*drops the oldest/);
      expect(await names(own, "session.*")).toEqual([]);
      await own.destroy();
    }
  });

  test("a bucket whose replicas answer reads is refused with the first session", async () => {
    const status = await bucket.status();
    const replicated = watched(bucket, (name) =>
      name === "status"
        ? async () => ({ streamInfo: { config: { ...status.streamInfo.config, num_replicas: 3, allow_direct: true } } })
        : undefined,
    );
    await expect(natsStore(replicated).create(newKey(), "x", { expiresAt: Date.now() + hour })).rejects.toThrow(
      /allow_direct/,
    );
  });

  test("sign-ins and sign-outs leave nothing in the index, and sweep() removes the marks of ended sessions", async () => {
    const own = await newBucket();
    const [store, meta] = [natsStore(own), { expiresAt: Date.now() + hour, subject: "anna" }];
    const lasting = newKey();
    await store.create(lasting, "x", meta);
    for (let n = 0; n < 20; n++) {
      const key = newKey();
      await store.delete(key, (await store.create(key, "x", meta)) as Version);
    }
    expect((await own.status()).values).toBe(22);
    expect(await store.sweep?.(Date.now())).toBe(0);
    expect((await own.status()).values).toBe(2);
    expect(await store.keysOf?.("anna")).toEqual([lasting]);
    await own.destroy();
  });

  test("a session that moves to another key while it is listed is listed", async () => {
    const meta = { expiresAt: Date.now() + hour, subject: "anna" };
    const [store, key, next] = [natsStore(bucket), newKey(), newKey()];
    const version = (await store.create(key, "x", meta)) as Version;
    let moved = false;
    const late = natsStore(
      watched(bucket, (name) =>
        name === "get" && !moved
          ? async (entry: string) => {
              moved = true;
              await store.create(next, "x", meta);
              await store.update(key, "moved", { expiresAt: meta.expiresAt }, version);
              return bucket.get(entry);
            }
          : undefined,
      ),
    );
    expect(await late.keysOf?.("anna")).toEqual([next]);
    await store.delete(next);
  });

  test("what is not a bucket is refused", () => {
    for (const other of [undefined, null, {}, "sessions", connection]) {
      expect(() => natsStore(other as unknown as NatsBucket)).toThrow(/Cannot use this as a NATS bucket: pass what/);
    }
  });

  function newBucket(): Promise<KV> {
    return new Kvm(connection).create(`sojourn-test-${randomUUID()}`, { storage: "memory" as never });
  }
});

describeWith(natsServerProgram(), "natsStore() on a server of its own", () => {
  test("fails in time while NATS is down, and goes on with what it held when it is back", async () => {
    const server = await startNats();
    const connection = await connect({
      servers: `127.0.0.1:${server.port}`,
      reconnectTimeWait: 50,
      maxReconnectAttempts: -1,
    });
    try {
      const store = natsStore(await new Kvm(connection).create("sessions"));
      const sessions = createSessions({ store, storeTimeout: 200 });
      const token = newKey();
      const key = await digest(token);
      const request = new Request("https://example.com/", { headers: { cookie: `__Host-Http-session=${token}` } });
      const version = (await store.create(key, "x", { expiresAt: Date.now() + hour, subject: "anna" })) as Version;

      await server.kill();
      await expect(sessions.load(request)).rejects.toMatchObject({
        code: expect.stringMatching(/^store_(failed|timeout)$/),
      });

      await server.start();
      await expect
        .poll(async () => (await Promise.resolve(store.read(key)).catch(() => undefined))?.value, { timeout: 20_000 })
        .toBe("x");
      expect(await store.update(key, "y", { expiresAt: Date.now() + hour, subject: "anna" }, version)).toBeDefined();
      expect(await store.keysOf?.("anna")).toEqual([key]);
    } finally {
      await connection.close();
      await server.stop();
    }
  });
});

function failing(bucket: KV, method: keyof KV): NatsBucket {
  return watched(bucket, (name) => (name === method ? () => Promise.reject(new Error("killed")) : undefined));
}

/** The bucket, with another method where there is one. */
function watched(bucket: KV, instead: (name: string) => unknown): NatsBucket {
  return new Proxy(bucket, {
    get(target, name: keyof KV) {
      const own: unknown = typeof target[name] === "function" ? target[name].bind(target) : target[name];
      return (typeof target[name] === "function" && instead(name)) || own;
    },
  });
}

async function names(bucket: KV, filter: string): Promise<string[]> {
  const found: string[] = [];
  for await (const name of await bucket.keys(filter)) found.push(name);
  return found;
}

function bucketName(bucket: KV): string {
  return (bucket as unknown as { bucket: string }).bucket;
}
