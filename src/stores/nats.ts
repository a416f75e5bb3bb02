/**
 * Sessions in a key-value bucket of NATS JetStream.
 * @module
 */

import { newNonce } from "../platform/random-text.ts";
import type { Entry, EntryMeta, SessionStore, Version } from "../store.ts";
import { open, type Place, seal, subjectDigest, UNKNOWN_EXPIRY, wholeMs } from "./envelope.ts";
import { type BucketKeys, bucketKeys, checkBucket, type NatsBucket } from "./nats/bucket.ts";
import { refusal, unlessOutdated } from "./nats/errors.ts";
import { DAMAGED, entryAt, keyOf, nameOf, parseVersion, versionOf } from "./nats/names.ts";
import { wholeListing } from "./whole-listing.ts";

export type { NatsBucket, NatsEntry, NatsStreamSettings } from "./nats/bucket.ts";

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
 * server drops what is older, marks of deleted keys included; without it call `sweep` from time to time. A bucket that
 * drops its oldest entries when it is full is refused with the first session, and that is any with `max_bytes`: near
 * the limit a server does so even with "discard new". So is one whose replicas answer reads (with `replicas`, set
 * `allow_direct: false`): a session that was ended would be read once more; and one with replicas on a server before
 * 2.11, which accepts several updates of one revision. A value has the size of a message, 1 MB
 * unless the server says otherwise; a larger one is a `RangeError`.
 *
 * Other errors are the client's own. A text under our key that we did not write is handed on as it is, so that sessions
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
  const context: Context = { bucket, keys: bucketKeys(bucket), clock, checked: false };
  return {
    read: (key) => read(context, key),
    create: (key, value, meta) => create(context, key, value, meta),
    update: (key, value, meta, expected) => update(context, key, value, meta, expected),
    delete: (key, expected) => remove(context, key, expected),
    keysOf: (subject) => keysOf(context, subject),
    sweep: (now) => sweep(context, now),
  };
}

interface Context {
  readonly bucket: NatsBucket;
  readonly keys: BucketKeys;
  readonly clock: () => number;
  /** Whether the settings of the bucket were found to be safe. */
  checked: boolean;
}

async function create(context: Context, key: string, value: string, meta: EntryMeta): Promise<Version | undefined> {
  if (!context.checked) {
    await checkBucket(context.bucket);
    context.checked = true;
  }
  const subject = meta.subject === undefined ? undefined : subjectDigest(meta.subject);
  const place = subject === undefined ? undefined : { subject, binding: newNonce() };
  const expiresAt = wholeMs(meta.expiresAt);
  const data = encode(seal({ expiresAt, place }, value));
  const revision = await listed(context, key, place, expiresAt, () => takeKey(context, key, data));
  return revision === undefined ? undefined : versionOf({ revision, expiresAt, place });
}

/** Writes where nothing live is: a new key, a deleted one, or one whose entry has expired. */
async function takeKey(context: Context, key: string, data: Uint8Array): Promise<number | undefined> {
  const { bucket, clock } = context;
  for (;;) {
    const created = await unlessOutdated(bucket.create(entryAt(key), data));
    if (created !== undefined) return created;
    const found = await find(context, key);
    // Deleted since: try again.
    if (!found) continue;
    if (found.state && found.state.expiresAt > clock()) return undefined;
    const replaced = await unlessOutdated(bucket.update(entryAt(key), data, found.revision));
    if (replaced !== undefined) return replaced;
  }
}

async function update(
  context: Context,
  key: string,
  value: string,
  meta: EntryMeta,
  expected: Version,
): Promise<Version | undefined> {
  const { revision, place: left, expiresAt: end } = parseVersion(expected);
  if (!(end > context.clock())) return undefined;
  const subject = meta.subject === undefined ? undefined : subjectDigest(meta.subject);
  // A session that stays with its subject keeps its name in the index; any other change makes a new one, so that a late
  // removal of the old one harms nobody.
  const stays = left !== undefined && left.subject === subject;
  const place = stays ? left : subject === undefined ? undefined : { subject, binding: newNonce() };
  const expiresAt = wholeMs(meta.expiresAt);
  const data = encode(seal({ expiresAt, place }, value));
  const next = await listed(context, key, stays ? undefined : place, expiresAt, () =>
    unlessOutdated(context.bucket.update(entryAt(key), data, revision)),
  );
  if (!stays && next !== undefined) await leave(context, key, left);
  return next === undefined ? undefined : versionOf({ revision: next, expiresAt, place });
}

async function read(context: Context, key: string): Promise<Entry | undefined> {
  const found = await find(context, key);
  if (!found) return undefined;
  if (!found.state) return { value: found.text, version: DAMAGED, expiresAt: UNKNOWN_EXPIRY };
  const { value, expiresAt } = found.state;
  if (!(expiresAt > context.clock())) return undefined;
  return { value, version: versionOf({ ...found.state, revision: found.revision }), expiresAt };
}

async function remove(context: Context, key: string, expected?: Version): Promise<boolean> {
  if (expected !== undefined) {
    const { revision, expiresAt, place } = parseVersion(expected);
    return expiresAt > context.clock() && purge(context, key, revision, place);
  }
  for (;;) {
    const found = await find(context, key);
    if (!found || (found.state && found.state.expiresAt <= context.clock())) return false;
    if (await purge(context, key, found.revision, found.state?.place)) return true;
  }
}

async function keysOf(context: Context, subject: string): Promise<string[]> {
  const filter = `subject.${subjectDigest(subject)}.*.*`;
  const names = await wholeListing(
    () => context.keys.matching(filter),
    (name) => isListing(context, name),
  );
  return names.map(keyOf);
}

async function sweep(context: Context, now: number): Promise<number> {
  const { bucket, keys } = context;
  let dropped = 0;
  for (const name of await keys.matching("session.*")) {
    const entry = await bucket.get(name);
    if (entry && entry.operation !== "PUT") await keys.erase(name, entry.revision + 1);
    const state = entry?.operation === "PUT" ? open(decode(entry.value)) : undefined;
    if (entry && state && state.expiresAt <= now && (await purge(context, keyOf(name), entry.revision, state.place)))
      dropped++;
  }
  for (const name of await keys.matching("subject.*.*.*")) {
    const entry = await bucket.get(name);
    // A name that leads nowhere may belong to a create() that is not finished, until its session would have ended.
    const isOver = entry?.operation !== "PUT" || Number(decode(entry.value)) <= now;
    if (entry && isOver && !(await isListing(context, name))) await keys.erase(name, entry.revision + 1);
  }
  return dropped;
}

async function find({ bucket }: Context, key: string): Promise<Found | undefined> {
  const entry = await bucket.get(entryAt(key));
  if (entry?.operation !== "PUT") return undefined;
  const text = decode(entry.value);
  return { revision: entry.revision, text, state: open(text) };
}

async function purge(context: Context, key: string, revision: number, place: Place | undefined): Promise<boolean> {
  const { bucket } = context;
  const purged = await unlessOutdated(bucket.purge(entryAt(key), { previousSeq: revision }).then(() => true));
  if (purged) await leave(context, key, place);
  return purged === true;
}

/**
 * Puts a name into the index before the session is written, and takes it out again if the session was not. An error
 * that leaves open whether it was, such as a timeout, leaves the name.
 */
async function listed(
  context: Context,
  key: string,
  place: Place | undefined,
  expiresAt: number,
  write: () => Promise<number | undefined>,
): Promise<number | undefined> {
  if (place) await context.bucket.put(nameOf(key, place), encode(String(expiresAt)));
  try {
    const revision = await write();
    if (revision === undefined) await leave(context, key, place);
    return revision;
  } catch (error) {
    const refused = refusal(error, key);
    if (refused) await leave(context, key, place);
    throw refused ?? error;
  }
}

/** After the session was written; what it removes leads nowhere, so that it may fail. */
async function leave({ keys }: Context, key: string, place: Place | undefined): Promise<void> {
  if (place) await keys.erase(nameOf(key, place)).catch(() => {});
}

async function isListing(context: Context, name: string): Promise<boolean> {
  const state = (await find(context, keyOf(name)))?.state;
  return state?.place !== undefined && name === nameOf(keyOf(name), state.place) && state.expiresAt > context.clock();
}

interface Found {
  readonly revision: number;
  readonly text: string;
  /** What it says, if we wrote it. */
  readonly state: ReturnType<typeof open>;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
