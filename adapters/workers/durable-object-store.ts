import type { Entry, SessionStore, Version } from "../../src/index.ts";
import { subjectDigest } from "../shared/subject-digest.ts";
import { wholeListing } from "../shared/whole-listing.ts";
import type { Operation, StoredEntry } from "./session-object.ts";

/** What is called of a Durable Object namespace, `env.SESSIONS`, or of one of its jurisdictions. */
export interface SessionObjectNamespace {
  /** A stub for the object of this name. */
  getByName(name: string): {
    fetch(
      url: string,
      init: { method: string; body: string },
    ): Promise<{ ok: boolean; status: number; text(): Promise<string> }>;
  };
}

/** Settings of {@linkcode durableObjectStore}. */
export interface DurableObjectStoreOptions {
  /** What the names of all objects start with. Default: none. */
  prefix?: string;
  /** The time in epoch milliseconds. Default: `Date.now`. */
  clock?: () => number;
}

/**
 * Under whom an entry is listed: the digest of the subject, a mark that is unique to this stay with this subject, so
 * that a late removal of one row never takes another one with it, and until when (epoch milliseconds) the row is kept.
 */
interface Place {
  readonly subject: string;
  readonly stay: string;
  readonly until: number;
}

/**
 * A row outlives its entry by a day, so that a session which moves its expiry with every request does not write its row
 * each time.
 */
const rowSlack = 86_400_000;

/** In characters: no storage takes more. One of key-value storage says itself that it takes less. */
const MAX_LENGTH = 2 * 1024 * 1024;

const TOO_LARGE = "Cannot store a session that is larger than a Durable Object's storage takes";

/**
 * Keeps sessions in Durable Objects, with all the promises: each session is an object of its own, and each subject has
 * one that lists its sessions. Bind the class {@linkcode SessionObject}, which your worker exports.
 *
 * A read is one call of an object, a write as well. A signed-in session costs a second call about once a day. For a
 * user of n sessions `list` makes 2n + 1 calls, `revokeAll` 4n + 2, and a sign-in under a limit of m sessions about 2m
 * + 5, six at a time. Workers bound the calls of one request, at 50 on the free plan and at 10,000 on the paid one: so
 * limit the sessions of a user, with `maxPerSubject`. Past the bound a call fails; what it ended stays ended, and the
 * next one goes on. An object's row in the list is written before the session and removed after it, so that a crash in
 * between leaves a row that leads nowhere: `keysOf` asks each session, and alarms clear away what has ended. A session
 * may have 2 MB on SQLite storage and 128 kB on key-value storage; a larger one is a `RangeError`, and what was stored
 * stays.
 *
 * @throws {TypeError} when `namespace` is no Durable Object namespace.
 */
export function durableObjectStore(
  namespace: SessionObjectNamespace,
  options: DurableObjectStoreOptions = {},
): SessionStore {
  const { prefix = "", clock = () => Date.now() } = options;
  if (typeof namespace?.getByName !== "function") {
    throw new TypeError(
      'Cannot use this namespace: durableObjectStore() takes a Durable Object binding, as in durableObjectStore(binding(env, "SESSIONS"))',
    );
  }

  async function call(name: string, operation: WithoutNow<Operation>): Promise<unknown> {
    const body = JSON.stringify({ ...operation, now: clock() });
    const response = await namespace.getByName(prefix + name).fetch("https://session/", { method: "POST", body });
    const text = await response.text();
    if (response.status === 413) throw new RangeError(`${TOO_LARGE}: ${text}`);
    if (!response.ok) throw new Error(`The Durable Object of a session answered ${response.status}: ${text}`);
    return JSON.parse(text);
  }

  const entry = (key: string, operation: WithoutNow<Operation>): Promise<unknown> => call(`entry:${key}`, operation);

  async function list(key: string, { subject, stay, until }: Place): Promise<void> {
    await call(`subject:${subject}`, { op: "list", member: `${key} ${stay}`, until });
  }

  /**
   * What it removes leads nowhere and would go by itself, so a failure is no reason to call the write before it failed.
   */
  async function unlist(key: string, { subject, stay }: Place): Promise<void> {
    await call(`subject:${subject}`, { op: "unlist", member: `${key} ${stay}` }).catch(() => {});
  }

  async function write(
    key: string,
    value: string,
    place: Place | undefined,
    expiresAt: number,
    expected?: Version,
  ): Promise<Version | undefined> {
    if (value.length > MAX_LENGTH) throw new RangeError(`${TOO_LARGE}: ${value.length} characters`);
    const version = versionOf(crypto.randomUUID(), place);
    const former = expected === undefined ? undefined : placeOf(expected);
    if (place && !(place.stay === former?.stay && place.until === former.until)) await list(key, place);
    const expectedVersion = expected === undefined ? null : String(expected);
    const write = entry(key, { op: "write", expected: expectedVersion, value, version, expiresAt });
    const done = (await write.catch((error: unknown) => takeBack(error, key, place, former))) === true;
    const left = done ? former : place;
    if (left && former?.stay !== place?.stay) await unlist(key, left);
    return done ? version : undefined;
  }

  /** An entry that was refused for its size was not written: its new row leads nowhere. */
  async function takeBack(error: unknown, key: string, place: Place | undefined, former?: Place): Promise<never> {
    if (error instanceof RangeError && place && place.stay !== former?.stay) await unlist(key, place);
    throw error;
  }

  async function read(key: string): Promise<Entry | undefined> {
    const stored = (await entry(key, { op: "read" })) as StoredEntry | null;
    return stored ? { value: stored.value, version: stored.version, expiresAt: stored.expiresAt } : undefined;
  }

  return {
    read,

    async create(key, value, { subject, expiresAt }): Promise<Version | undefined> {
      return write(key, value, await placeFor(subject, expiresAt), expiresAt);
    },

    async update(key, value, { subject, expiresAt }, expected): Promise<Version | undefined> {
      return write(key, value, await placeFor(subject, expiresAt, placeOf(expected)), expiresAt, expected);
    },

    async delete(key, expected): Promise<boolean> {
      const removed = await entry(key, { op: "remove", expected: expected === undefined ? null : String(expected) });
      if (typeof removed !== "string") return false;
      const place = placeOf(removed);
      if (place) await unlist(key, place);
      return true;
    },

    async touch(key, expiresAt, expected): Promise<boolean> {
      for (;;) {
        const current = expected ?? (await read(key))?.version;
        if (current === undefined) return false;
        const former = placeOf(current);
        const place = former && extended(former, expiresAt);
        if (place && place !== former) await list(key, place);
        const [id = ""] = String(current).split(" ");
        const done = await entry(key, {
          op: "touch",
          expected: String(current),
          version: versionOf(id, place),
          expiresAt,
        });
        if (done === true || expected !== undefined) return done === true;
      }
    },

    async keysOf(subject): Promise<string[]> {
      const digest = await subjectDigest(subject);
      const listed = await wholeListing(
        async () => (await call(`subject:${digest}`, { op: "members" })) as string[],
        async (member) => {
          const [key = "", stay] = member.split(" ");
          const version = (await entry(key, { op: "version" })) as string | null;
          return version !== null && placeOf(version)?.stay === stay;
        },
      );
      return listed.map((member) => member.split(" ", 1)[0] as string);
    },
  };
}

type WithoutNow<T> = T extends unknown ? Omit<T, "now"> : never;

/** Where an entry is to be listed; the former place if it stays with its subject. */
async function placeFor(subject: string | undefined, expiresAt: number, former?: Place): Promise<Place | undefined> {
  if (subject === undefined) return undefined;
  const digest = await subjectDigest(subject);
  if (former?.subject === digest) return extended(former, expiresAt);
  return { subject: digest, stay: crypto.randomUUID(), until: expiresAt + rowSlack };
}

function extended(place: Place, expiresAt: number): Place {
  return expiresAt <= place.until ? place : { ...place, until: expiresAt + rowSlack };
}

/** The version says where the entry is listed, so that a write knows it without having read. */
function versionOf(id: string, place: Place | undefined): string {
  return place ? `${id} ${place.subject} ${place.stay} ${place.until}` : id;
}

function placeOf(version: Version): Place | undefined {
  const [, subject, stay, until] = String(version).split(" ");
  return subject && stay ? { subject, stay, until: Number(until) } : undefined;
}
