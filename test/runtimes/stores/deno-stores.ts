import { type DenoKv, denoKvStore } from "../../../adapters/deno.ts";
import type { MakeStore } from "../../../src/testing.ts";
import { interleavedSessions } from "./interleaved-sessions.ts";
import { parallelSessions } from "./parallel-sessions.ts";
import { equal, type MoreTests, type StoreUnderTest } from "./store-tests.ts";

declare const Deno: {
  openKv(path?: string): Promise<DenoKv & { close(): void }>;
  makeTempDir(): Promise<string>;
  remove(path: string, options: { recursive: true }): Promise<void>;
};

const hour = 3_600_000;

const makeStore: MakeStore = async ({ clock }) => {
  const kv = await Deno.openKv(":memory:");
  return { store: denoKvStore(kv, { clock }), dispose: () => kv.close() };
};

export const denoStores: readonly StoreUnderTest[] = [
  { name: "denoKvStore()", makeStore, capabilities: { sweep: false, valueBytes: 65_000 } },
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

  "denoKvStore(): an entry that ended leaves no row in the index": async () => {
    const kv = await Deno.openKv(":memory:");
    const store = denoKvStore(kv);
    const meta = { expiresAt: Date.now() + hour, subject: "anna" };
    const version = (await store.create("a", "1", meta)) ?? "";
    await store.create("b", "1", meta);
    await store.update("a", "ended", { expiresAt: meta.expiresAt }, version);
    await store.delete("b");
    const rows: unknown[] = [];
    for await (const { key } of kv.list({ prefix: ["sojourn"] })) rows.push(key);
    equal(rows, [["sojourn", "entry", "a"]], "not only the one entry is left");
    kv.close();
  },

  ...parallelSessions("denoKvStore()", makeStore),
  ...interleavedSessions("denoKvStore()", makeStore),
};
