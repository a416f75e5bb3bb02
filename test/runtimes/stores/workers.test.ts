import { kCurrentWorker } from "miniflare";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningWorker, startWorker } from "../harness.ts";
import { reportStoreTests } from "./report.ts";
import type { Results } from "./store-tests.ts";
import { moreWorkersTests, type TestEnv, workersStores } from "./workers-stores.ts";

for (const nodejsCompat of [false, true]) {
  describe(`stores inside workerd, ${nodejsCompat ? "with" : "without"} nodejs_compat`, () => {
    let worker: RunningWorker;
    beforeAll(async () => {
      worker = await startWorker({
        entry: "test/runtimes/stores/worker.ts",
        nodejsCompat,
        kvNamespaces: ["KV"],
        d1Databases: ["D1"],
        durableObjects: {
          OBJECTS: { className: "SessionObject", useSQLite: true },
          OWN_OBJECTS: { className: "OwnSessionObject" },
        },
        serviceBindings: { SELF: kCurrentWorker },
      });
    });
    afterAll(() => worker?.stop());

    function get(path: string, cookie = ""): Promise<Response> {
      return fetch(worker.url + path, { headers: { cookie } });
    }

    async function newSession(): Promise<string> {
      return (await get("/count")).headers.getSetCookie()[0]?.split(";")[0] ?? "";
    }

    test("sessions made at module scope, with env of cloudflare:workers, keep every update of parallel requests", async () => {
      const cookie = await newSession();
      const answers = await Promise.all(Array.from({ length: 20 }, () => get("/count", cookie)));
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      expect(await (await get("/read", cookie)).json()).toBe(21);
    });

    test("a request that is cut off while it commits does not stop the next ones of its session", async () => {
      const cookie = await newSession();
      expect(await (await get("/abandon", cookie)).text()).toBe("TimeoutError");
      expect((await get("/count-slowly", cookie)).status).toBe(200);
      expect(await (await get("/read", cookie)).json()).toBe(2);
    }, 10_000);

    const env = (): TestEnv => {
      throw new Error("The bindings are in the worker");
    };
    reportStoreTests(
      async () => {
        const response = await get("/run");
        if (!response.ok)
          throw new Error(`The worker answered ${response.status}: ${await response.text()}\n${worker.output()}`);
        return (await response.json()) as Results;
      },
      workersStores(env),
      moreWorkersTests(env),
    );
  });
}
