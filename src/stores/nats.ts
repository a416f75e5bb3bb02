/**
 * Sessions in a key-value bucket of NATS JetStream.
 * @module
 */

import { newNonce } from "../platform/nonce.ts";
import type { Entry, EntryMeta, SessionStore, Version } from "../store.ts";
import { open, type Place, seal, subjectDigest, UNKNOWN_EXPIRY, wholeMs } from "./envelope.ts";
import type { NatsBucket } from "./nats/bucket.ts";

export type { NatsBucket, NatsEntry } from "./nats/bucket.ts";

/** Options of {@link natsStore}. */
export interface NatsStoreOptions {
  /** Epoch milliseconds; judges expiry. Default `Date.now`. The server's own clock only clears away. */
  readonly clock?: () => number;
}

/**
 * Keeps sessions in a JetStream key-value bucket of its own, on NATS 2.9 or newer. The revisions of the bucket are the
 * versions. `read` and `update` are one request; there is no `touch`, because an `update` costs no more.
 *
 * A session is `session.<key>`. A subject's sessions are `subject.<digest of the subject>.<key>.<nonce>`, written
 * before the session and removed after it, so a crash in between leaves a name that leads nowhere; `keysOf` asks each
 * session.
 *
 * **Settings of the bucket that matter.** `ttl`, in milliseconds, at least the absolute lifetime of a session: the
 * server drops what is older, marks of deleted keys included; without it call `sweep` from time to time. With
 * `replicas`, `allow_direct: false`: a replica may answer from the past, and a session that was ended would be read
 * once more.
 *
 * Errors are the client's own. A text under our key that we did not write is handed on as it is, so that sessions
 * report it; `create` and `delete` may replace it.
 *
 * @example
 * ```ts
 * import { Kvm } from "@nats-io/kv";
 * import { connect } from "@nats-io/transport-node";
 * const bucket = await new Kvm(await connect()).create("sessions", { ttl: 7 * 86_400_000, allow_direct: false });
 * const sessions = createSessions({ store: natsStore(bucket) });
 * ```
 * @throws {TypeError} for something that is no bucket
 */
export function natsStore(bucket: NatsBucket, options: NatsStoreOptions = {}): SessionStore {
  const { clock = () => Date.now() } = options;
  if (typeof bucket?.create !== "function" || typeof bucket.keys !== "function") {
    throw new TypeError("Cannot use this as a NATS bucket: pass what `await new Kvm(connection).create(name)` returns");
  }

  async function create(key: string, value: string, meta: EntryMeta): Promise<Version | undefined> {
    const place =
      meta.subject === undefined ? undefined : { subject: subjectDigest(meta.subject), binding: newNonce() };
    const expiresAt = wholeMs(meta.expiresAt);
    await join(key, place, expiresAt);
    const revision = await takeKey(key, encode(seal({ expiresAt, place }, value)));
    if (revision === undefined) await leave(key, place);
    return revision === undefined ? undefined : versionOf({ revision, expiresAt, place });
  }

  /** Writes where nothing live is: a new key, a deleted one, or one whose entry has expired. */
  async function takeKey(key: string, data: Uint8Array): Promise<number | undefined> {
    for (;;) {
      const created = await unlessOutdated(bucket.create(entryAt(key), data));
      if (created !== undefined) return created;
      const found = await find(key);
      // Deleted since: try again.
      if (!found) continue;
      if (found.state && found.state.expiresAt > clock()) return undefined;
      const replaced = await unlessOutdated(bucket.update(entryAt(key), data, found.revision));
      if (replaced !== undefined) return replaced;
    }
  }

  async function update(key: string, value: string, meta: EntryMeta, expected: Version): Promise<Version | undefined> {
    const { revision, place: left, expiresAt: end } = parseVersion(expected);
    if (!(end > clock())) return undefined;
    const subject = meta.subject === undefined ? undefined : subjectDigest(meta.subject);
    // A session that stays with its subject keeps its name in the index; any other change makes a new one, so that a
    // late removal of the old one harms nobody.
    const stays = left !== undefined && left.subject === subject;
    const place = stays ? left : subject === undefined ? undefined : { subject, binding: newNonce() };
    const expiresAt = wholeMs(meta.expiresAt);
    if (!stays) await join(key, place, expiresAt);
    const next = await unlessOutdated(bucket.update(entryAt(key), encode(seal({ expiresAt, place }, value)), revision));
    if (!stays) await leave(key, next === undefined ? place : left);
    return next === undefined ? undefined : versionOf({ revision: next, expiresAt, place });
  }

  async function read(key: string): Promise<Entry | undefined> {
    const found = await find(key);
    if (!found) return undefined;
    if (!found.state) return { value: found.text, version: DAMAGED, expiresAt: UNKNOWN_EXPIRY };
    const { value, expiresAt } = found.state;
    return expiresAt > clock()
      ? { value, version: versionOf({ ...found.state, revision: found.revision }), expiresAt }
      : undefined;
  }

  async function remove(key: string, expected?: Version): Promise<boolean> {
    if (expected !== undefined) {
      const { revision, expiresAt, place } = parseVersion(expected);
      return expiresAt > clock() && purge(key, revision, place);
    }
    for (;;) {
      const found = await find(key);
      if (!found || (found.state && found.state.expiresAt <= clock())) return false;
      if (await purge(key, found.revision, found.state?.place)) return true;
    }
  }

  async function keysOf(subject: string): Promise<string[]> {
    const names = await keysLike(`subject.${subjectDigest(subject)}.*.*`);
    const listed = await Promise.all(names.map(async (name) => ((await isListing(name)) ? [keyOf(name)] : [])));
    return listed.flat();
  }

  async function sweep(now: number): Promise<number> {
    let dropped = 0;
    for (const name of await keysLike("session.*")) {
      const found = await find(keyOf(name));
      if (found?.state && found.state.expiresAt <= now && (await purge(keyOf(name), found.revision, found.state.place)))
        dropped++;
    }
    for (const name of await keysLike("subject.*.*.*")) {
      const entry = await bucket.get(name);
      // A name that leads nowhere may belong to a create() that is not finished, until its session would have ended.
      if (entry?.operation === "PUT" && Number(decode(entry.value)) <= now && !(await isListing(name))) {
        await unlessOutdated(bucket.purge(name, { previousSeq: entry.revision }));
      }
    }
    return dropped;
  }

  async function find(key: string): Promise<Found | undefined> {
    const entry = await bucket.get(entryAt(key));
    if (entry?.operation !== "PUT") return undefined;
    const text = decode(entry.value);
    return { revision: entry.revision, text, state: open(text) };
  }

  async function purge(key: string, revision: number, place: Place | undefined): Promise<boolean> {
    const purged = await unlessOutdated(bucket.purge(entryAt(key), { previousSeq: revision }).then(() => true));
    if (purged) await leave(key, place);
    return purged === true;
  }

  /** Before the session is written. */
  async function join(key: string, place: Place | undefined, expiresAt: number): Promise<void> {
    if (place) await bucket.put(nameOf(key, place), encode(String(expiresAt)));
  }

  /**
   * After the session was written; what it removes leads nowhere, so that it may fail. Awaited, because a listing at
   * the same time makes the client wait for seconds.
   */
  async function leave(key: string, place: Place | undefined): Promise<void> {
    if (place) await bucket.purge(nameOf(key, place)).catch(() => {});
  }

  async function isListing(name: string): Promise<boolean> {
    const state = (await find(keyOf(name)))?.state;
    return state?.place !== undefined && name === nameOf(keyOf(name), state.place) && state.expiresAt > clock();
  }

  /** A set, because the client may deliver a name twice when another is removed meanwhile. */
  async function keysLike(filter: string): Promise<string[]> {
    const names = new Set<string>();
    for await (const name of await bucket.keys(filter)) names.add(name);
    return [...names];
  }

  return { read, create, update, delete: remove, keysOf, sweep };
}

interface State {
  readonly revision: number;
  readonly expiresAt: number;
  readonly place: Place | undefined;
}

interface Found {
  readonly revision: number;
  readonly text: string;
  /** What it says, if we wrote it. */
  readonly state: ReturnType<typeof open>;
}

/** The version of a text that is not ours: its revision is none, and its expiry long ago. */
const DAMAGED = "0 0";

function entryAt(key: string): string {
  return `session.${key}`;
}

function nameOf(key: string, { subject, binding }: Place): string {
  return `subject.${subject}.${key}.${binding}`;
}

/** Of a session's name, or of one in the index. */
function keyOf(name: string): string {
  const [kind, first = "", second = ""] = name.split(".");
  return kind === "session" ? first : second;
}

/** The version that sessions see holds expiry and place too, so that a write can judge them without having read. */
function versionOf({ revision, expiresAt, place }: State): Version {
  return place ? `${revision} ${expiresAt} ${place.binding} ${place.subject}` : `${revision} ${expiresAt}`;
}

function parseVersion(version: Version): State {
  const [revision, expiresAt, binding, subject] = String(version).split(" ");
  return {
    revision: Number(revision),
    expiresAt: Number(expiresAt),
    place: binding && subject ? { binding, subject } : undefined,
  };
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/**
 * JetStream's "wrong last sequence": the key has another revision, or is not there. The second one is of newer servers.
 */
const WRONG_SEQUENCE: readonly unknown[] = [10071, 10164];

/**
 * `undefined` when the key was at another revision; any other error stays one. `nats` 2 has the code one level deeper.
 */
async function unlessOutdated<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    const { code, api_error: inner } = error as { code?: unknown; api_error?: { err_code?: unknown } };
    if (WRONG_SEQUENCE.includes(code) || WRONG_SEQUENCE.includes(inner?.err_code)) return undefined;
    throw error;
  }
}
