import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWith, service } from "../../services.ts";
import { type NetworkProxy, startProxy } from "../../support/proxy.ts";
import { type RunningWorker, startWorker } from "../harness.ts";

/* Both clients of Redis inside workerd, whose sockets are cut while sessions are read and written. */

const builtins =
  "assert async_hooks buffer crypto diagnostics_channel dns dns/promises events fs net path stream string_decoder timers/promises tls url util";
const alias = Object.fromEntries(builtins.split(" ").map((name) => [name, `node:${name}`]));

describeWith(await service("redis"), "redisStore() inside workerd", () => {
  describe.each(["redis", "ioredis"])("with %s", (client) => {
    let proxy: NetworkProxy;
    let worker: RunningWorker;
    const scissors = createServer((_request, response) => {
      proxy.cut();
      response.end();
    });
    beforeAll(async () => {
      proxy = await startProxy(6379);
      await new Promise<void>((resolve) => scissors.listen(0, "127.0.0.1", resolve));
      const SCISSORS = `http://127.0.0.1:${(scissors.address() as AddressInfo).port}/`;
      worker = await startWorker({
        entry: "test/runtimes/stores/redis-worker.ts",
        nodejsCompat: true,
        alias,
        bindings: { CLIENT: client, PORT: proxy.port, SCISSORS },
      });
    });
    afterAll(async () => {
      await worker?.stop();
      await proxy?.close();
      scissors.close();
    });

    async function get(path: string, cookie = ""): Promise<{ status: number; text: string; cookie: string }> {
      const response = await fetch(worker.url + path, { headers: { cookie } });
      const set = response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie;
      return { status: response.status, text: await response.text(), cookie: set };
    }

    test("parallel requests keep every update, and a logout is final", async () => {
      const { cookie } = await get("/count");
      const answers = await Promise.all(Array.from({ length: 10 }, () => get("/count", cookie)));
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      expect((await get("/read", cookie)).text).toBe("11");
      expect((await get("/end", cookie)).status).toBe(200);
      expect((await get("/read", cookie)).text).toBe("null");
    });

    test("while Redis cannot be reached a request fails, and the session goes on afterwards", async () => {
      const { cookie } = await get("/count");
      proxy.refuse();
      const down = await get("/count", cookie);
      proxy.allow();
      expect([down.status, down.cookie]).toEqual([503, cookie]);
      expect((await get("/count", cookie)).text).toBe("2");
    });

    test("a connection that is cut between read and write is an error in time, and the session goes on", async () => {
      const { cookie } = await get("/count");
      const cut = await get("/cut", cookie);
      expect([cut.status, cut.cookie]).toEqual([503, cookie]);
      expect((await get("/count", cookie)).text).toBe("2");
    });
  });
});
