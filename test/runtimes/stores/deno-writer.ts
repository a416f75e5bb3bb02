/** `deno run --allow-all --unstable-kv deno-writer.ts FILE UPDATES`: counts in one session, beside others that do. */
import { type DenoKv, denoKvStore } from "../../../adapters/deno.ts";

declare const Deno: { args: string[]; openKv(path?: string): Promise<DenoKv & { close(): void }> };

const [file, updates] = Deno.args;
const kv = await Deno.openKv(file);
const store = denoKvStore(kv);
const meta = { expiresAt: Date.now() + 3_600_000, subject: "anna" };
await store.create("key", "0", meta);
for (let done = 0; done < Number(updates); ) {
  const entry = await store.read("key");
  if (entry && (await store.update("key", String(Number(entry.value) + 1), meta, entry.version)) !== undefined) done++;
}
kv.close();
