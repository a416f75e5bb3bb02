import { type DenoKv, denoKvStore } from "../../../adapters/deno.ts";
import type { MakeStore } from "../../../src/testing.ts";
import { listWhileChurning, revokeWhileChurning } from "../../support/index-churn.ts";
import { mixedRooms } from "../../support/rooms.ts";
import { interleavedSessions } from "./interleaved-sessions.ts";
import { parallelSessions } from "./parallel-sessions.ts";
import { equal, type MoreTests, type StoreUnderTest } from "./store-tests.ts";

declare const Deno: {
  openKv(path?: string): Promise<DenoKv & { close(): void }>;
  makeTempDir(): Promise<string>;
  execPath(): string;
  Command: new (
    program: string,
    options: { args: string[] },
  ) => { output(): Promise<{ code: number; stderr: Uint8Array }> };
  remove(path: string, options: { recursive: true }): Promise<void>;
};

const hour = 3_600_000;

const makeStore: MakeStore = async ({ clock }) => {
  const kv = await Deno.openKv(":memory:");
  return { store: denoKvStore(kv, { clock }), dispose: () => kv.close() };
};

/** Two handles on one file, one of which can be cut off. */
const makeTwo: MakeStore = async ({ clock }) => {
  const folder = await Deno.makeTempDir();
  const [kv, second] = [await Deno.openKv(`${folder}/kv`), await Deno.openKv(`${folder}/kv`)];
  let cut = false;
  return {
    store: denoKvStore(kv, { clock }),
    other: denoKvStore(second, { clock }),
    cut() {
      cut = true;
      kv.close();
    },
    async dispose() {
      if (!cut) kv.close();
      second.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
};

export const denoStores: readonly StoreUnderTest[] = [
  {
    name: "denoKvStore()",
    makeStore: makeTwo,
    capabilities: { sweep: false, valueBytes: 65_000, other: true, cut: true },
  },
];

export const moreDenoTests: MoreTests = {
  "denoKvStore(): a session over 64 KiB is refused with what to do, and leaves what was stored": async () => {
    const kv = await Deno.openKv(":memory:");
    const store = denoKvStore(kv);
    const meta = { expiresAt: Date.now() + hour };
    const version = await store.create("key", "small", meta);
    const error = await Promise.resolve(store.update("key", "x".repeat(70_000), meta, version ?? "")).catch(
      (caught: unknown) => caught,
    );
    equal(
      error instanceof RangeError && error.message.includes("64 KiB"),
      true,
      `not the error that was promised: ${error}`,
    );
    equal((await store.read("key"))?.value, "small", "a refused write changed the entry");
    kv.close();
  },

  "denoKvStore(): two processes on one database file see each other's versions, and prefixes keep apart": async () => {
    const folder = await Deno.makeTempDir();
    const [one, two] = [await Deno.openKv(`${folder}/kv`), await Deno.openKv(`${folder}/kv`)];
    const [first, second, other] = [denoKvStore(one), denoKvStore(two), denoKvStore(two, { prefix: ["other", 1] })];
    const meta = { expiresAt: Date.now() + hour, subject: "anna" };
    const version = (await first.create("key", "1", meta)) ?? "";
    equal(await second.create("key", "2", meta), undefined, "create() took a key of another process");
    equal(
      (await second.update("key", "2", meta, version)) !== undefined,
      true,
      "update() refused the version of another process",
    );
    equal(
      await first.update("key", "3", meta, version),
      undefined,
      "update() accepted a version that another process replaced",
    );
    equal(await first.keysOf?.("anna"), ["key"], "the index is not shared");
    equal([await other.read("key"), await other.keysOf?.("anna")], [undefined, []], "another prefix sees the entry");
    one.close();
    two.close();
    await Deno.remove(folder, { recursive: true });
  },

  "denoKvStore(): three processes that write one database file at the same time only wait for each other": async () => {
    const folder = await Deno.makeTempDir();
    const writer = new URL("deno-writer.ts", import.meta.url).pathname;
    const flags = ["run", "--quiet", "--no-lock", "--allow-all", "--unstable-kv"];
    const outputs = await Promise.all(
      [1, 2, 3].map(() =>
        new Deno.Command(Deno.execPath(), { args: [...flags, writer, `${folder}/kv`, "60"] }).output(),
      ),
    );
    const text = new TextDecoder();
    equal(
      outputs.map(({ code, stderr }) => [code, text.decode(stderr)]),
      outputs.map(() => [0, ""]),
      "a process failed",
    );
    const kv = await Deno.openKv(`${folder}/kv`);
    equal((await denoKvStore(kv).read("key"))?.value, "180", "an update was lost");
    kv.close();
    await Deno.remove(folder, { recursive: true });
  },

  "denoKvStore(): a listing has every lasting session while others come, go and move": async () => {
    const kv = await Deno.openKv(":memory:");
    equal((await listWhileChurning(denoKvStore(kv))).faults, [], "faults");
    kv.close();
  },

  "denoKvStore(): revokeAll() ends every lasting session while others come, go and move": async () => {
    const kv = await Deno.openKv(":memory:");
    equal(await revokeWhileChurning(denoKvStore(kv)), [], "faults");
    kv.close();
  },

  "denoKvStore(): prefixes that begin with each other, or are called as its own names are, keep apart": async () => {
    const kv = await Deno.openKv(":memory:");
    const prefixes = [["shop"], ["shop", 2], ["shop2"], ["shop", "entry"], ["shop", "subject"]];
    const rooms = prefixes.map((prefix) => [prefix.join(), denoKvStore(kv, { prefix })] as const);
    equal(await mixedRooms(Object.fromEntries(rooms)), [], "faults");
    kv.close();
  },

  "denoKvStore(): a listing of more rows than one batch has a session that moves while it is read": async () => {
    const kv = await Deno.openKv(":memory:");
    const store = denoKvStore(kv);
    const meta = { expiresAt: Date.now() + hour, subject: "anna" };
    for (let n = 0; n < 1_100; n++) await store.create(`m${String(n).padStart(4, "0")}`, "x", meta);
    const version = (await store.create("z", "x", meta)) ?? "";
    // After the first batch was read the session goes to a key that the batch would have had.
    let moved = false;
    const late: DenoKv = {
      get: (key) => kv.get(key),
      atomic: () => kv.atomic(),
      async *list(selector, options) {
        let read = 0;
        for await (const row of kv.list(selector, options)) {
          if (++read === 500 && !moved) {
            moved = true;
            await store.create("a", "x", meta);
            await store.update("z", "moved", { expiresAt: meta.expiresAt }, version);
          }
          yield row;
        }
      },
    };
    const keys = (await denoKvStore(late).keysOf?.("anna")) ?? [];
    equal(
      [keys.length, new Set(keys).size, keys.includes("a")],
      [1_101, 1_101, true],
      "keys, their number, the moved one",
    );
    kv.close();
  },

  "denoKvStore(): an entry that ended leaves no row in the index": async () => {
    const kv = await Deno.openKv(":memory:");
    const store = denoKvStore(kv);
    const meta = { expiresAt: Date.now() + hour, subject: "anna" };
    const version = (await store.create("a", "1", meta)) ?? "";
    await store.create("b", "1", meta);
    await store.update("a", "ended", { expiresAt: meta.expiresAt }, version);
    await store.delete("b");
    const rows: unknown[] = [];
    for await (const { key } of kv.list({ prefix: ["sojourn"] }, { batchSize: 100 })) rows.push(key);
    equal(rows, [["sojourn", "entry", "a"]], "not only the one entry is left");
    kv.close();
  },

  ...parallelSessions("denoKvStore()", makeStore),
  ...interleavedSessions("denoKvStore()", makeStore),
};
