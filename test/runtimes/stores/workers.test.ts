import { kCurrentWorker } from "miniflare";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningWorker, startWorker } from "../harness.ts";
import { reportStoreTests } from "./report.ts";
import { slowStoreNames } from "./slow-stores.ts";
import type { Results } from "./store-tests.ts";
import { moreWorkersTests, type TestEnv, workersStores } from "./workers-stores.ts";

const settings = {
  "without nodejs_compat": {},
  "with nodejs_compat": { nodejsCompat: true },
  // Workers are not recognized by a global that a setting takes away.
  "without navigator": { flags: ["no_global_navigator"] },
};

for (const [name, setting] of Object.entries(settings)) {
  describe(`stores inside workerd, ${name}`, () => {
    let worker: RunningWorker;
    beforeAll(async () => {
      worker = await startWorker({
        entry: "test/runtimes/stores/worker.ts",
        ...setting,
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

    test.each(["read", "write"])(
      "a request that is cut off while its store is asked to %s stops none of the next ones of its session",
      async (phase) => {
        expect((await get("/table")).status).toBe(200);
        const stories = slowStoreNames.map(async (store) => {
          const path = `/slow/${phase}/${encodeURIComponent(store)}`;
          const cookie = (await get(`${path}/count`)).headers.getSetCookie()[0]?.split(";")[0] ?? "";
          const cut = await get(`/abandon?path=${encodeURIComponent(`${path}/count`)}`, cookie);
          const later = [await get(`${path}/count`, cookie), await get(`${path}/look`, cookie)];
          const seen = await later[1]?.text();
          const end = await get(`${path}/end`, cookie);
          const gone = await (await get(`${path}/look`, cookie)).text();
          return [store, await cut.text(), ...later.map(({ status }) => status), seen !== "null", end.status, gone];
        });
        expect(await Promise.all(stories)).toEqual(
          slowStoreNames.map((store) => [store, "TimeoutError", 200, 200, true, 200, "null"]),
        );
      },
      30_000,
    );

    if (name !== "without nodejs_compat" && name !== "with nodejs_compat") return;

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

describe("a compatibility date from before Headers.getSetCookie()", () => {
  test("createSessions() says which date is old enough, before anything is stored", async () => {
    const worker = await startWorker({
      entry: "test/runtimes/stores/old-worker.ts",
      compatibilityDate: "2023-02-28",
    });
    try {
      expect(await (await fetch(worker.url)).text()).toMatch(
        /^TypeError: .*compatibility_date to 2023-03-01 or later$/,
      );
    } finally {
      await worker.stop();
    }
  });

  test("2023-03-01 is late enough", async () => {
    const worker = await startWorker({ entry: "test/runtimes/stores/old-worker.ts", compatibilityDate: "2023-03-01" });
    try {
      const response = await fetch(worker.url);
      expect([await response.text(), response.headers.getSetCookie()]).toEqual([
        "1",
        [expect.stringMatching(/^__Host/)],
      ]);
    } finally {
      await worker.stop();
    }
  });
});
