import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SessionStore } from "@sojourn/session";
import {
  type D1Client,
  d1Store,
  durableObjectStore,
  kvStore,
  type SessionKvNamespace,
  type SessionObjectNamespace,
} from "@sojourn/session/workers";
import { type RunningWorker, startWorker } from "../../runtimes/harness.ts";
import { pause } from "../engines.ts";
import { type MatrixEngine, type OpenedEngine, opened } from "./engine.ts";

/** In workerd, which is killed and started again on what it has on disk. */
export function cloudflareEngines(): readonly MatrixEngine[] {
  const without = { "disk full": "the disk is Cloudflare's", "read-only": "no such setting" } as const;
  // Every write is done and its answer lost, while reads are answered: so that it was done can be seen
  const expected = { cut: ["200", "200", "200"] } as const;
  return [
    { name: "d1Store()", needs: [], without, expected, open: () => openOn(d1) },
    { name: "durableObjectStore()", needs: [], without, expected, open: () => openOn(durableObjects) },
    { name: "kvStore()", needs: [], without, expected, open: () => openOn(kv) },
  ];
}

type Bindings = Record<"D1" | "KV" | "OBJECTS", object>;

interface Platform {
  /** The bindings at this moment. */
  readonly bindings: () => Bindings;
  /** The worker itself does it to its objects. */
  tell(fault: string): Promise<unknown>;
  /** What the calls of bindings meet. */
  weather: { slow: boolean; cut: boolean; full: boolean };
}

async function openOn(make: (platform: Platform) => Promise<SessionStore>): Promise<OpenedEngine> {
  const folder = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "sojourn-matrix-"));
  let running: { worker: RunningWorker; bindings: Bindings } | undefined;
  const start = async (): Promise<void> => {
    const worker = await startWorker({
      entry: "test/faults/matrix/worker.ts",
      kvNamespaces: ["KV"],
      d1Databases: ["D1"],
      durableObjects: { OBJECTS: { className: "FaultyObject", useSQLite: true } },
      defaultPersistRoot: folder,
    } as Parameters<typeof startWorker>[0]);
    running = { worker, bindings: await worker.miniflare.getBindings<Bindings>() };
  };
  const stop = (): Promise<void> | undefined => running?.worker.stop();
  await start();
  const platform: Platform = {
    bindings: () => (running as NonNullable<typeof running>).bindings,
    tell: (fault) => fetch(`${running?.worker.url}/?fault=${fault}`),
    weather: { slow: false, cut: false, full: false },
  };
  const turn = (fault: "slow" | "cut" | "full", on: boolean) => async (): Promise<void> => {
    platform.weather[fault] = on;
    await platform.tell(on ? fault : "");
  };
  const during = (fault: "slow" | "cut" | "full") => [turn(fault, true), turn(fault, false)] as const;
  const store = await make(platform);
  const faults = { killed: [stop, start], slow: during("slow"), cut: during("cut"), full: during("full") } as const;
  return opened(store, faults, async () => {
    await stop();
    await rm(folder, { recursive: true, force: true });
  });
}

async function d1({ bindings, weather }: Platform): Promise<SessionStore> {
  const database = (): D1Client => bindings().D1 as D1Client;
  const store = d1Store({
    prepare: (sql) => ({
      bind(...values) {
        const bound = () =>
          database()
            .prepare(sql)
            .bind(...values);
        return {
          raw: () => slowly(weather, () => bound().raw()),
          run: async () => {
            // What D1 says at 10 GB, and of a connection that is lost after the statement
            if (weather.full && !sql.startsWith("DELETE")) throw new Error("D1_ERROR: Exceeded maximum DB size");
            const result = await slowly(weather, () => bound().run());
            if (weather.cut) throw new Error("D1_ERROR: Network connection lost.");
            return result;
          },
        };
      },
    }),
  });
  await store.createTable();
  return store;
}

async function durableObjects({ bindings, weather }: Platform): Promise<SessionStore> {
  return durableObjectStore({
    getByName: (name) => ({
      fetch: (url, init) =>
        slowly(weather, () => (bindings().OBJECTS as SessionObjectNamespace).getByName(name).fetch(url, init)),
    }),
  });
}

async function kv({ bindings, weather }: Platform): Promise<SessionStore> {
  const namespace = (): SessionKvNamespace => bindings().KV as SessionKvNamespace;
  return kvStore({
    getWithMetadata: (key) => slowly(weather, () => namespace().getWithMetadata(key)),
    delete: (key) => namespace().delete(key),
    list: (options) => namespace().list(options),
    async put(key, value, options) {
      // What KV says beyond one write a second of a key
      if (weather.full) throw new Error("KV PUT failed: 429 Too Many Requests");
      await slowly(weather, () => namespace().put(key, value, options));
      if (weather.cut) throw new Error("KV PUT failed: Network connection lost.");
    },
  });
}

async function slowly<T>({ slow }: Platform["weather"], call: () => Promise<T>): Promise<T> {
  if (slow) await pause(200);
  return call();
}
