import type { SessionStore } from "../../src/index.ts";

/**
 * Pauses before and after an operation, so that a scheduler decides what happens in between. Throws when the process is
 * to crash there.
 */
export type Gate = (label: string) => Promise<void>;

/**
 * A store of which each operation waits at a gate before it takes effect and again before its answer arrives. The
 * effect itself is atomic, as the contract says.
 */
export function scheduledStore(store: SessionStore, gate: Gate): SessionStore {
  async function pass<T>(label: string, effect: () => T | Promise<T>): Promise<T> {
    await gate(`${label}: sent`);
    const answer = await effect();
    await gate(`${label}: answered`);
    return answer;
  }
  return {
    read: (key) => pass("read", () => store.read(key)),
    create: (key, value, meta) => pass("create", () => store.create(key, value, meta)),
    update: (key, value, meta, expected) => pass("update", () => store.update(key, value, meta, expected)),
    delete: (key, expected) => pass("delete", () => store.delete(key, expected)),
    touch: (key, expiresAt, expected) => pass("touch", () => store.touch?.(key, expiresAt, expected) ?? false),
    keysOf: (subject) => pass("keysOf", () => store.keysOf?.(subject) ?? []),
  };
}
