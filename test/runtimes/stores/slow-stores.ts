/** Every kind of store that a worker can load, on an engine that takes a while to read or to write. */
import { createStorage } from "unstorage";
import kvDriver from "unstorage/drivers/cloudflare-kv-binding";
import { d1Store, durableObjectStore, kvStore } from "../../../adapters/workers.ts";
import { cachedStore, memoryStore, prefixedStore, type SessionStore } from "../../../src/index.ts";
import { connectStore } from "../../../src/stores/connect-store.ts";
import { unstorageStore } from "../../../src/stores/unstorage.ts";
import type { TestEnv } from "./workers-stores.ts";

export type Phase = "read" | "write";

export const slowStoreNames = [
  "durableObjectStore()",
  "d1Store()",
  "kvStore()",
  "unstorageStore()",
  "connectStore()",
  "cachedStore()",
  "prefixedStore()",
] as const;

/** Milliseconds; a client that leaves after a third of it leaves in the middle. */
const delay = 300;

/** Made at module scope, as a user would. */
export function slowStores(env: TestEnv, slow: Phase): Record<(typeof slowStoreNames)[number], SessionStore> {
  const wait = (phase: Phase): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, phase === slow ? delay : 0));
  const after =
    <Args extends unknown[], Result>(phase: Phase, call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      await wait(phase);
      return call(...args);
    };

  const objects = durableObjectStore(
    {
      getByName(name) {
        const stub = env.OBJECTS.getByName(name);
        return {
          fetch: async (url, init) => {
            await wait(init.body.includes('"op":"read"') ? "read" : "write");
            return stub.fetch(url, init);
          },
        };
      },
    },
    { prefix: `slow-${slow}:` },
  );

  const d1 = d1Store({
    prepare: (sql) => {
      const statement = env.D1.prepare(sql);
      return {
        bind(...values) {
          const bound = statement.bind(...values);
          return { raw: after("read", () => bound.raw()), run: after("write", () => bound.run()) };
        },
      };
    },
  });

  const { KV } = env;
  const kv = kvStore(
    {
      getWithMetadata: after("read", (key: string) => KV.getWithMetadata(key)),
      put: after("write", (key: string, value: string, options: { expiration: number }) => KV.put(key, value, options)),
      delete: after("write", (key: string) => KV.delete(key)),
      list: (options) => KV.list(options),
    },
    { prefix: `slow-${slow}:` },
  );

  const storage = createStorage({ driver: kvDriver({ binding: KV as never, base: `slow-${slow}` }) });
  const unstorage = unstorageStore({
    ...storage,
    getItem: after("read", (key: string) => storage.getItem(key)),
    setItem: after("write", (key: string, value: object) => storage.setItem(key, JSON.stringify(value))),
  });

  const held = new Map<string, string>();
  const connect = connectStore({
    get: (id, done) => void wait("read").then(() => done(null, JSON.parse(held.get(id) ?? "null"))),
    set: (id, session, done) => {
      const text = JSON.stringify(session);
      void wait("write").then(() => done(void held.set(id, text)));
    },
    destroy: (id, done) => void wait("write").then(() => done(void held.delete(id))),
  });

  return {
    "durableObjectStore()": objects,
    "d1Store()": d1,
    "kvStore()": kv,
    "unstorageStore()": unstorage,
    "connectStore()": connect,
    "cachedStore()": cachedStore(memoryStore(), objects),
    "prefixedStore()": prefixedStore(objects, "shop"),
  };
}
