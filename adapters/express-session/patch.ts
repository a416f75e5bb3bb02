import { SessionError } from "../../src/index.ts";

/**
 * How a value was changed, path by path, so that the change can be made to what another request has stored by then.
 * `whole` is the value of a container that was assigned rather than changed in place: it stands where none is stored.
 */
export type Patch =
  | { readonly type: "remove" }
  | { readonly type: "assign"; readonly value: unknown }
  | { readonly type: "object"; readonly entries: readonly (readonly [string, Patch])[]; readonly whole: unknown }
  | {
      readonly type: "array";
      readonly before: readonly unknown[];
      readonly after: readonly unknown[];
      readonly whole: unknown;
    };

/** Copies that were handed out, by the frozen value that they are copies of. */
export type Copies = Map<unknown, unknown>;

/** A copy that may be changed. `copies` learns which object stands for which. */
export function thaw(value: unknown, copies: Copies): unknown {
  if (!isContainer(value)) return value;
  const copy: unknown[] | object = Array.isArray(value) ? value.map((item) => thaw(item, copies)) : {};
  if (!Array.isArray(value)) for (const key of Object.keys(value)) put(copy, key, thaw(at(value, key), copies));
  copies.set(value, copy);
  return copy;
}

/** Notes that `live` stands for `stored`, which it was stored as, and its parts for the parts. */
export function pair(stored: unknown, live: unknown, copies: Copies): void {
  if (!isContainer(stored) || !isContainer(live)) return;
  copies.set(stored, live);
  for (const key of Object.keys(stored)) pair(at(stored, key), at(live, key), copies);
}

/** What the next request would read: JSON, as express-session stores it. */
export function asStored(value: unknown, key: string): unknown {
  if (typeof value === "string" || typeof value === "boolean" || Number.isSafeInteger(value)) return value;
  try {
    const text = JSON.stringify(value) as string | undefined;
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch (cause) {
    throw new SessionError("value_not_storable", `Cannot store "${key}": it is no JSON value`, { cause });
  }
}

/** Whether a value reads as it did before. For what JSON would change the answer is "no". */
export function isSame(before: unknown, now: unknown): boolean {
  if (before === now) return true;
  if (typeof before !== "object" || typeof now !== "object" || before === null || now === null) return false;
  if (Array.isArray(before) || Array.isArray(now)) {
    return (
      Array.isArray(before) &&
      Array.isArray(now) &&
      before.length === now.length &&
      before.every((item, index) => isSame(item, now[index]))
    );
  }
  if (typeof (now as { toJSON?: unknown }).toJSON === "function") return false;
  const keys = Object.keys(before);
  return (
    keys.length === Object.keys(now).length &&
    keys.every((key) => Object.hasOwn(now, key) && isSame(at(before, key), at(now, key)))
  );
}

/**
 * How `before` became `after`; `undefined` for no change. `live` is the object that `after` is the stored form of: the
 * copy that was handed out was changed in place, any other was assigned.
 */
export function diff(before: unknown, after: unknown, live: unknown, copies: Copies): Patch | undefined {
  if (isSame(before, after)) return undefined;
  if (after === undefined) return { type: "remove" };
  const whole = before !== undefined && copies.get(before) === live ? undefined : after;
  if (Array.isArray(after) && (before === undefined || Array.isArray(before)))
    return { type: "array", before: before ?? [], after, whole };
  if (!isObject(after) || !(before === undefined || isObject(before))) return { type: "assign", value: after };
  const entries: (readonly [string, Patch])[] = [];
  for (const key of new Set([...Object.keys(before ?? {}), ...Object.keys(after)])) {
    const patch = diff(at(before, key), at(after, key), at(live, key), copies);
    if (patch) entries.push([key, patch]);
  }
  return { type: "object", entries, whole };
}

/**
 * Makes the change to what is stored. A change inside a container that another request has removed is dropped with it:
 * whoever removed a user from the session shall not find half of one.
 */
export function apply(patch: Patch, stored: unknown): unknown {
  switch (patch.type) {
    case "remove":
      return undefined;
    case "assign":
      return patch.value;
    case "array":
      return Array.isArray(stored) ? applyToArray(patch.before, patch.after, stored) : (patch.whole ?? stored);
    case "object": {
      if (!isObject(stored)) return patch.whole ?? stored;
      const result = { ...stored };
      for (const [key, change] of patch.entries) {
        const value = apply(change, at(stored, key));
        if (value === undefined) delete result[key];
        else put(result, key, value);
      }
      return result;
    }
  }
}

/** What an array was changed to, made to another: what was added is added, what was taken is taken, once each. */
function applyToArray(before: readonly unknown[], after: readonly unknown[], stored: readonly unknown[]): unknown[] {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && isSame(before[start], after[start])) start++;
  let tail = 0;
  while (tail < shorter - start && isSame(before.at(-1 - tail), after.at(-1 - tail))) tail++;
  const old = before.slice(start, before.length - tail);
  const fresh = after.slice(start, after.length - tail);
  const items: { readonly value: unknown; readonly ours: boolean }[] = stored.map((value) => ({ value, ours: false }));
  const placeOf = (value: unknown, expected: number): number => {
    const is = (item: (typeof items)[number] | undefined): boolean => item?.ours === false && isSame(item.value, value);
    return is(items[expected]) ? expected : items.findIndex(is);
  };
  const paired = Math.min(old.length, fresh.length);
  for (let index = 0; index < paired; index++) {
    const expected = start + index;
    const found = placeOf(old[index], expected);
    if (found >= 0) items[found] = { value: fresh[index], ours: true };
    else if (isObject(items[expected]?.value) && isObject(fresh[index])) {
      // Somebody else changed it too: the same element, another of its paths
      const patch = diff(old[index], fresh[index], undefined, new Map());
      if (patch) items[expected] = { value: apply(patch, items[expected]?.value), ours: true };
    } else items.splice(Math.min(expected, items.length), 0, { value: fresh[index], ours: true });
  }
  for (const value of old.slice(paired)) {
    const found = placeOf(value, start + paired);
    if (found >= 0) items.splice(found, 1);
  }
  const added = fresh.slice(paired).map((value) => ({ value, ours: true }));
  items.splice(tail === 0 ? items.length : Math.min(start + paired, items.length), 0, ...added);
  return items.map(({ value }) => value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The own property of an object; `undefined` for anything else. */
function at(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

/** An array or a plain object, of any realm. */
function isContainer(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Sets an own property, also one called `__proto__`, which plain assignment would take for the prototype. */
export function put(target: object, key: string, value: unknown): void {
  if (key === "__proto__")
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  else (target as Record<string, unknown>)[key] = value;
}

/** Frozen all the way down; for values of our own. */
export function freeze<T>(value: T): T {
  if (isContainer(value)) for (const item of Object.values(Object.freeze(value))) freeze(item);
  return value;
}
