/** What runs inside a Durable Object: one entry with its versions and its end, or the list of one subject's entries. */

/** What is called of a Durable Object's `ctx`. */
export interface SessionObjectState {
  /** The object's own storage, of the SQLite or the key-value kind. */
  readonly storage: SessionObjectStorage;
}

/** What is called of a Durable Object's storage. */
export interface SessionObjectStorage {
  /** The value under a key. */
  get(key: string): Promise<unknown>;
  /** Stores a value that can be cloned. */
  put(key: string, value: unknown): Promise<void>;
  /** Whether there was one. */
  delete(key: string): Promise<boolean>;
  /** Removes all that is stored. */
  deleteAll(): Promise<void>;
  /** All that is stored. */
  list(): Promise<Map<string, unknown>>;
  /** When `alarm()` will be called, in epoch milliseconds. */
  getAlarm(): Promise<number | null>;
  /** Has `alarm()` called, in place of any earlier order. */
  setAlarm(epochMs: number): Promise<void>;
  /** Has `alarm()` not called. */
  deleteAlarm(): Promise<void>;
}

/** What a Durable Object answers with. */
export interface SessionObjectHandlers {
  /** Carries out one operation of the store. */
  fetch(request: Request): Promise<Response>;
  /** Clears away what has ended. */
  alarm(): Promise<void>;
}

/** One operation on an object, as JSON. `now` is the store's clock: it decides what has expired. */
export type Operation = { readonly now: number } & (
  | { readonly op: "read" | "version" }
  | {
      readonly op: "write";
      readonly expected: string | null;
      readonly value: string;
      readonly version: string;
      readonly expiresAt: number;
    }
  | { readonly op: "touch"; readonly expected: string; readonly version: string; readonly expiresAt: number }
  | { readonly op: "remove"; readonly expected: string | null }
  | { readonly op: "list"; readonly member: string; readonly until: number }
  | { readonly op: "unlist"; readonly member: string }
  | { readonly op: "members" }
);

/** What an object that keeps an entry has under the name "entry". */
export interface StoredEntry {
  readonly value: string;
  readonly version: string;
  /** By the store's clock: decides when the entry has expired. */
  readonly expiresAt: number;
  /** The same moment by the object's own clock, for the alarm. Version 0.1 did not write it. */
  readonly endsAt?: number;
}

/** What an object that lists entries has under the name of each. Version 0.1 wrote `until` alone, as a number. */
interface Row {
  readonly until: number;
  readonly endsAt: number;
}

/**
 * Milliseconds between the end of an entry and its removal. The store's clock decides when an entry ends; the alarm
 * only clears away, and must not come first. The two clocks may differ by any time, so it is set at a distance and not
 * at a date.
 */
const broomDelay = 60_000;

/**
 * Answers for a Durable Object that keeps sessions, for a class of your own:
 *
 * ```ts
 * import { DurableObject } from "cloudflare:workers";
 *
 * export class MySessions extends DurableObject {
 *   readonly sessions = sessionObject(this.ctx);
 *   fetch(request: Request) { return this.sessions.fetch(request); }
 *   alarm() { return this.sessions.alarm(); }
 * }
 * ```
 */
export function sessionObject(ctx: SessionObjectState): SessionObjectHandlers {
  const { storage } = ctx;
  return {
    async fetch(request) {
      const operation = (await request.json()) as Operation;
      // From here on only storage is awaited, and while it is, the object receives nothing else: every operation is
      // atomic.
      try {
        return Response.json((await perform(storage, operation)) ?? null);
      } catch (error) {
        // Said by storage before it wrote anything: the store may take back what it wrote for this entry.
        if (isTooLarge(error)) return new Response(String((error as Error).message), { status: 413 });
        throw error;
      }
    },
    async alarm() {
      const now = Date.now();
      const rows = await storage.list();
      const ends = [...rows].map(([name, row]) => ({ name, end: alarmAt(endOf(row)) }));
      const left = ends.filter(({ end }) => end > now);
      if (left.length === 0) return storage.deleteAll();
      await Promise.all(ends.filter(({ end }) => end <= now).map(({ name }) => storage.delete(name)));
      await storage.setAlarm(Math.min(...left.map(({ end }) => end)));
    },
  };
}

/**
 * The Durable Object behind {@linkcode durableObjectStore}: export it from your worker and bind it.
 *
 * ```ts
 * export { SessionObject } from "@sojourn/session/workers";
 * ```
 * ```toml
 * [[durable_objects.bindings]]
 * name = "SESSIONS"
 * class_name = "SessionObject"
 *
 * [[migrations]]
 * tag = "v1"
 * new_sqlite_classes = ["SessionObject"]
 * ```
 *
 * A class, because Workers construct it; it needs no import from `cloudflare:workers`, so that this module loads
 * everywhere.
 */
export class SessionObject implements SessionObjectHandlers {
  /** What answers for this object. */
  readonly handlers: SessionObjectHandlers;

  /** Called by Workers. */
  constructor(ctx: SessionObjectState) {
    this.handlers = sessionObject(ctx);
  }

  /** Carries out one operation of the store. */
  fetch(request: Request): Promise<Response> {
    return this.handlers.fetch(request);
  }

  /** Clears away what has ended. */
  alarm(): Promise<void> {
    return this.handlers.alarm();
  }
}

async function perform(storage: SessionObjectStorage, operation: Operation): Promise<unknown> {
  const { now } = operation;
  switch (operation.op) {
    case "list":
      return list(storage, operation.member, operation.until, now);
    case "unlist":
      return storage.delete(memberName(operation.member));
    case "members":
      return [...(await storage.list())].flatMap(([name, row]) =>
        untilOf(row) > now ? [name.slice(memberName("").length)] : [],
      );
  }

  const stored = (await storage.get("entry")) as StoredEntry | undefined;
  const live = stored !== undefined && stored.expiresAt > now ? stored : undefined;
  switch (operation.op) {
    case "read":
      return live;
    case "version":
      return live?.version;
    case "write": {
      if ((live?.version ?? null) !== operation.expected) return false;
      const { value, version, expiresAt } = operation;
      await put(storage, stored, { value, version, expiresAt, endsAt: byOwnClock(expiresAt, now) });
      return true;
    }
    case "touch": {
      if (live?.version !== operation.expected) return false;
      const { version, expiresAt } = operation;
      await put(storage, live, { value: live.value, version, expiresAt, endsAt: byOwnClock(expiresAt, now) });
      return true;
    }
    case "remove": {
      if (live === undefined || (operation.expected ?? live.version) !== live.version) return undefined;
      await Promise.all([storage.deleteAlarm(), storage.deleteAll()]);
      return live.version;
    }
  }
}

async function put(storage: SessionObjectStorage, former: StoredEntry | undefined, next: StoredEntry): Promise<void> {
  const writes = [storage.put("entry", next)];
  // An alarm that comes too early sets itself again; so a session that lives on costs no second write.
  if (former === undefined || endOf(next) < endOf(former)) writes.push(storage.setAlarm(alarmAt(endOf(next))));
  await Promise.all(writes);
}

async function list(storage: SessionObjectStorage, member: string, until: number, now: number): Promise<boolean> {
  const row = await storage.get(memberName(member));
  const listedUntil = Math.max(until, row === undefined ? 0 : untilOf(row));
  const next: Row = { until: listedUntil, endsAt: byOwnClock(listedUntil, now) };
  const alarm = await storage.getAlarm();
  const writes = [storage.put(memberName(member), next)];
  if (alarm === null || alarmAt(next.endsAt) < alarm) writes.push(storage.setAlarm(alarmAt(next.endsAt)));
  await Promise.all(writes);
  return true;
}

function memberName(member: string): string {
  return `member ${member}`;
}

/** A time of the store's clock, which says `now`, by the clock of the object. */
function byOwnClock(time: number, now: number): number {
  return Date.now() + (time - now);
}

function alarmAt(end: number): number {
  return Math.ceil(end) + broomDelay;
}

function untilOf(row: unknown): number {
  return typeof row === "number" ? row : (row as Row).until;
}

/** By the object's clock, of an entry or a row; as near as can be of what version 0.1 wrote. */
function endOf(stored: unknown): number {
  if (typeof stored === "number") return stored;
  const { endsAt, expiresAt } = stored as StoredEntry;
  return endsAt ?? expiresAt;
}

function isTooLarge(error: unknown): boolean {
  return /larger than|too large|too big/i.test(String((error as Error | undefined)?.message));
}
