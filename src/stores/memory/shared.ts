import { must } from "../../option-checks.ts";

/** The one of its name in this process, which the first call makes; without a name one of its own. */
export function sharedUnder<Store extends object>(name: string | undefined, make: () => Store): Store {
  if (name === undefined) return make();
  must(typeof name === "string" && name !== "", "shared", name, 'a name such as "sessions"');
  global[STORES] ??= new Map();
  const stores = global[STORES] as Map<string, Store>;
  const store = stores.get(name) ?? make();
  stores.set(name, store);
  return store;
}

/** Registered, and on the global object, where all copies of this module find the same. */
const STORES = Symbol.for("@sojourn/session memory stores");
const global = globalThis as { [STORES]?: Map<string, object> };
