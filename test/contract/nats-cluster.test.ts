import { spawnSync } from "node:child_process";
import { type KV, Kvm } from "@nats-io/kv";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createSessions, type Session } from "../../src/index.ts";
import { newToken as newKey } from "../../src/stored/token.ts";
import { natsStore } from "../../src/stores/nats.ts";
import { testStore } from "../../src/testing.ts";
import { describeWith } from "../services.ts";
import { type NatsServer, natsServerProgram, startNatsCluster } from "./nats-server.ts";

/*
 * Three servers and three copies. Servers before 2.11 do not compare and set there, and are refused; on newer ones the
 * contract holds, also when the leader of the bucket is killed in the middle.
 */

const isOld = /v2\.([0-9]|10)\./.test(spawnSync("nats-server", ["--version"], { encoding: "utf8" }).stdout ?? "");

describeWith(natsServerProgram(), "natsStore() on a cluster of three", () => {
  let servers: readonly NatsServer[];
  let connection: NatsConnection;
  let other: NatsConnection;
  let buckets = 0;
  beforeAll(async () => {
    servers = await startNatsCluster();
    const open = () =>
      connect({
        servers: servers.map(({ port }) => `127.0.0.1:${port}`),
        reconnectTimeWait: 30,
        maxReconnectAttempts: -1,
      });
    [connection, other] = await Promise.all([open(), open()]);
    // The servers have to agree on one that leads them.
    await vi.waitFor(() => newBucket().then((bucket) => bucket.destroy()), { timeout: 30_000 });
  });
  afterAll(async () => {
    await Promise.all([connection?.close(), other?.close()]);
    await Promise.all(servers.map((server) => server.stop()));
  });

  if (isOld) {
    test("a bucket with replicas on a server before 2.11 is refused with the first session", async () => {
      const bucket = await newBucket();
      const write = natsStore(bucket).create(newKey(), "x", { expiresAt: Date.now() + 60_000 });
      await expect(write).rejects.toThrow(/several updates of one revision.*2\.11 or newer/);
      await bucket.destroy();
    });
    return;
  }

  testStore(
    "natsStore() with three copies",
    async ({ clock }) => {
      const bucket = await newBucket();
      const second = await new Kvm(other).open(nameOf(bucket));
      return {
        store: natsStore(bucket, { clock }),
        other: natsStore(second, { clock }),
        dispose: () => bucket.destroy(),
      };
    },
    { test, capabilities: { touch: false, other: true } },
  );

  test("a bucket whose copies may answer reads is refused with the first session", async () => {
    const bucket = await new Kvm(connection).create(`direct-${++buckets}`, { replicas: 3, allow_direct: true });
    const write = natsStore(bucket).create(newKey(), "x", { expiresAt: Date.now() + 60_000 });
    await expect(write).rejects.toThrow(/allow_direct/);
    await bucket.destroy();
  });

  test("when the leader of the bucket is killed in the middle no acknowledged change is lost, and nobody is signed out", async () => {
    const bucket = await newBucket();
    const sessions = createSessions<{ n: number }>({ store: natsStore(bucket), storeTimeout: 2_000 });
    let cookie = "";
    async function visit(use: (session: Session<{ n: number }>) => void): Promise<boolean> {
      const handle = sessions.wrap((_request, session) => {
        use(session);
        return new Response();
      });
      const request = new Request("https://example.com/", { headers: { cookie } });
      const response = await Promise.resolve(handle(request)).catch((error: { code?: string }) => error.code);
      if (!(response instanceof Response)) {
        expect(response).toMatch(/^store_(failed|timeout)$/);
        return false;
      }
      cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie;
      return true;
    }
    expect(await visit((session) => session.signIn("anna"))).toBe(true);
    const signedIn = cookie;
    let [acknowledged, tried, killed] = [0, 0, false];
    const count = async (): Promise<void> => {
      tried++;
      if (await visit((session) => session.update("n", (n = 0) => n + 1))) acknowledged++;
    };
    for (let n = 0; n < 10; n++) await count();
    const leader = (await bucket.status()).streamInfo.cluster?.leader ?? "";
    const dead = servers[Number(leader.slice(1))];
    const dying = dead?.kill().then(() => {
      killed = true;
    });
    // While it dies, and until another one leads
    for (let after = 0; after < 10; after += killed ? 1 : 0) await count();
    await dying;
    await expect.poll(() => visit((session) => session.get("n")), { timeout: 20_000 }).toBe(true);
    let seen: [number | undefined, string | undefined] = [undefined, undefined];
    await visit((session) => {
      seen = [session.get("n"), session.subject];
    });
    expect(seen[1]).toBe("anna");
    expect(seen[0]).toBeGreaterThanOrEqual(acknowledged);
    expect(seen[0]).toBeLessThanOrEqual(tried);
    expect(cookie).toBe(signedIn);
    expect((await bucket.status()).streamInfo.cluster?.leader).not.toBe(leader);
    expect((await sessions.list("anna")).length).toBe(1);
    await dead?.start();
    await bucket.destroy();
  });

  function newBucket(): Promise<KV> {
    const settings = { replicas: 3, storage: "memory" as never, allow_direct: false };
    return new Kvm(connection).create(`sessions-${++buckets}`, settings);
  }
});

function nameOf(bucket: KV): string {
  return (bucket as unknown as { bucket: string }).bucket;
}
