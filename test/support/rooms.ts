/** Several stores in one engine, told apart by their prefixes: for any runtime. */
import type { SessionStore } from "../../src/store.ts";

const HOUR = 3_600_000;

/**
 * What one store sees or changes of what another keeps, whatever the two are called; nothing when all is well. Each
 * keeps a session of the same user, is listed, swept and emptied.
 */
export async function mixedRooms(rooms: Readonly<Record<string, SessionStore>>): Promise<readonly string[]> {
  const meta = { expiresAt: Date.now() + HOUR, subject: "anna" };
  const all = Object.entries(rooms).map(([name, store]) => ({ name, store, key: newKey() }));
  const faults: string[] = [];
  for (const { name, store, key } of all)
    if ((await store.create(key, name, meta)) === undefined) faults.push(`${name} could not keep its session`);
  for (const one of all) {
    const listed = (await one.store.keysOf?.("anna")) ?? [];
    if (listed.join() !== one.key) faults.push(`${one.name} lists ${listed.length} sessions`);
    await one.store.sweep?.(Date.now());
    for (const other of all) {
      if (other === one) continue;
      if (await one.store.read(other.key)) faults.push(`${one.name} reads what is in ${other.name}`);
      if (await one.store.delete(other.key)) faults.push(`${one.name} deletes what is in ${other.name}`);
    }
  }
  for (const [at, { name, store, key }] of all.entries()) {
    if (!(await store.delete(key))) faults.push(`${name} could not delete its session`);
    for (const later of all.slice(at + 1)) {
      const isThere = (await later.store.read(later.key))?.value === later.name;
      const isListed = (await later.store.keysOf?.("anna"))?.join() === later.key;
      if (!isThere || !isListed) faults.push(`${name} took the session of ${later.name} along`);
    }
  }
  return faults;
}

/** As the key of a token: 43 characters of base64url. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(43)), (byte) => "abcdefghijklmnop"[byte % 16]).join("");
}
