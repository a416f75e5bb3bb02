/**
 * Sessions in Redis or Valkey, alone, with Sentinel or as a Cluster.
 * @module
 */

import { newNonce } from "../platform/random-text.ts";
import type { Entry, EntryMeta, SessionStore, Version } from "../store.ts";
import { HEAD_LENGTH, open, openHead, type Place, seal, subjectDigest, UNKNOWN_EXPIRY, wholeMs } from "./envelope.ts";
import { type RedisClient, type RedisCommands, redisCommands } from "./redis/client.ts";
import { type RunScript, redisScripts } from "./redis/scripts.ts";
import { wholeListing } from "./whole-listing.ts";

export type { RedisClient } from "./redis/client.ts";

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /** What every key starts with: 1 to 100 of `A-Z a-z 0-9 _ - . : / { }`. Default `session:`. */
  readonly prefix?: string;
  /** Epoch milliseconds; judges expiry. Default `Date.now`. Redis' own clock only clears away. */
  readonly clock?: () => number;
}

/**
 * Keeps sessions in Redis 6.0 or newer, or Valkey. Every method is one command, and atomic: `read` is a plain `GET`, a
 * write is a script (`EVALSHA`). `touch` and `delete` without a version need a second one; sessions always give the
 * version.
 *
 * A session is one string under `<prefix><key>`; a subject's sessions are a sorted set under `<prefix>subject:<digest
 * of the subject>`. The set is written first. Both expire by themselves, a minute after their end, because clocks
 * differ.
 *
 * **Redis Cluster.** A session is one key, so it has one slot; the set of its subject has another. There a write of a
 * signed-in session is two commands: a crash between them leaves a name in the set that leads nowhere, and `keysOf`
 * asks each session. With a hash tag in the prefix (`"{session}:"`) all is in one slot, and one command again.
 *
 * **Settings that matter.** `maxmemory-policy noeviction`, since any other ends sessions before their time; a server
 * that is full then refuses writes as a whole, and still reads, lists and deletes. Read from the primary: a replica may
 * be behind (`scaleReads` of ioredis). With ioredis `autoResendUnfulfilledCommands: false`: by default it sends a write
 * again whose answer was lost with the connection; when another write came between the two, it looks refused, and
 * sessions would apply the change a second time. A failover may lose the last acknowledged writes, a logout among them,
 * because Redis replicates asynchronously.
 *
 * Errors are the client's own. A text under our key that we did not write is handed on as it is, so that sessions
 * report it; writes take it for missing.
 *
 * @example
 * ```ts
 * import { createClient } from "redis";
 * const client = await createClient().on("error", console.error).connect();
 * const sessions = createSessions({ store: redisStore(client) });
 * ```
 * @throws {TypeError} for something that is no client, a client that answers with callbacks (`legacyMode` of redis 4,
 * `legacy()` of later ones), or a prefix with other characters
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): SessionStore {
  const { prefix = "session:", clock = () => Date.now() } = options;
  if (typeof prefix !== "string" || !PREFIX.test(prefix)) {
    throw new TypeError(
      `Cannot use Redis prefix ${JSON.stringify(prefix)}: write 1 to 100 of A-Z a-z 0-9 _ - . : / { }`,
    );
  }
  const commands = redisCommands(client);
  const context: Context = {
    commands,
    run: redisScripts(commands),
    prefix,
    split: commands.isCluster && !HASH_TAG.test(prefix),
    clock,
  };
  return {
    read: (key) => read(context, key),
    create: (key, value, meta) => write(context, key, value, meta, undefined),
    update: (key, value, meta, expected) => write(context, key, value, meta, parseVersion(expected)),
    delete: (key, expected) => (expected === undefined ? removeAny(context, key) : removeAt(context, key, expected)),
    touch: (key, expiresAt, expected) =>
      expected === undefined ? touchAny(context, key, expiresAt) : touchAt(context, key, expiresAt, expected),
    keysOf: (subject) => keysOf(context, subject),
  };
}

interface Context {
  readonly commands: RedisCommands;
  readonly run: RunScript;
  readonly prefix: string;
  /** Whether entry and index may be in different slots, where no script can write both. */
  readonly split: boolean;
  readonly clock: () => number;
}

async function read(context: Context, key: string): Promise<Entry | undefined> {
  const text = await context.commands.send(entryAt(context, key), "GET", entryAt(context, key));
  if (text === null) return undefined;
  const id = ID.exec(String(text))?.[0].trimEnd();
  const opened = id && open(String(text).slice(ID_LENGTH));
  if (!opened) return { value: String(text), version: DAMAGED, expiresAt: UNKNOWN_EXPIRY };
  const { value, place, expiresAt } = opened;
  return expiresAt > context.clock() ? { value, version: versionOf(id, place), expiresAt } : undefined;
}

async function write(
  context: Context,
  key: string,
  value: string,
  meta: EntryMeta,
  expected: Parsed | undefined,
): Promise<Version | undefined> {
  const id = newNonce();
  const subject = meta.subject === undefined ? undefined : subjectDigest(meta.subject);
  const left = expected?.place;
  // A session that stays with its subject keeps its member; any other change makes a new one, so that a late removal of
  // the old one harms nobody.
  const stays = left !== undefined && left.subject === subject;
  const joined = stays ? left : subject === undefined ? undefined : { subject, binding: id };
  const expiresAt = wholeMs(meta.expiresAt);

  await joinFirst(context, key, joined, expiresAt);
  const { keys, members } = together(context, key, [joined, stays ? undefined : left]);
  const text = `${id} ${seal({ expiresAt, place: joined }, value)}`;
  const args = [String(context.clock()), expected?.id ?? "", text, String(expiresAt), ...members];
  const done = isOne(await context.run("write", [entryAt(context, key), ...keys], args));
  if (!stays) leaveLast(context, key, done ? left : joined);
  return done ? versionOf(id, joined) : undefined;
}

async function touchAt(context: Context, key: string, end: number, expected: Version): Promise<boolean> {
  const { id, place } = parseVersion(expected);
  const expiresAt = wholeMs(end);
  await joinFirst(context, key, place, expiresAt);
  const { keys, members } = together(context, key, [place]);
  const args = [String(context.clock()), id, String(expiresAt), ...members];
  return isOne(await context.run("touch", [entryAt(context, key), ...keys], args));
}

async function touchAny(context: Context, key: string, expiresAt: number): Promise<boolean> {
  for (;;) {
    const version = (await read(context, key))?.version;
    if (version === undefined || version === DAMAGED) return false;
    if (await touchAt(context, key, expiresAt, version)) return true;
  }
}

async function removeAt(context: Context, key: string, expected: Version): Promise<boolean> {
  const { id, place } = parseVersion(expected);
  const { keys, members } = together(context, key, [place]);
  const args = [String(context.clock()), id, ...members];
  const done = isOne(await context.run("delete", [entryAt(context, key), ...keys], args));
  if (done) leaveLast(context, key, place);
  return done;
}

async function removeAny(context: Context, key: string): Promise<boolean> {
  const text = await context.run("deleteAny", [entryAt(context, key)], [String(context.clock())]);
  if (Number(text) === 0) return false;
  const place = openHead(String(text).slice(ID_LENGTH))?.place;
  if (place) await leave(context, key, place);
  return true;
}

async function keysOf(context: Context, subject: string): Promise<string[]> {
  const index = indexAt(context, subjectDigest(subject));
  async function readMembers(): Promise<string[]> {
    const members = await context.commands.send(index, "ZRANGEBYSCORE", index, `(${context.clock()}`, "+inf");
    return (members as unknown[]).map(String);
  }
  const members = await (context.split ? wholeListing(readMembers, (text) => isAt(context, text)) : readMembers());
  return members.map((text) => text.split(" ", 1)[0] as string);
}

/** Whether the session of a member is live and in its place, by its head alone. */
async function isAt(context: Context, text: string): Promise<boolean> {
  const [key = "", binding] = text.split(" ");
  const [name, from, to] = [entryAt(context, key), String(ID_LENGTH), String(ID_LENGTH + HEAD_LENGTH)];
  const head = openHead(String(await context.commands.send(name, "GETRANGE", name, from, to)));
  return head?.place !== undefined && head.place.binding === binding && head.expiresAt > context.clock();
}

/** Before the entry on a cluster; inside the entry's script everywhere else. */
async function joinFirst(context: Context, key: string, place: Place | undefined, expiresAt: number): Promise<void> {
  if (!context.split || !place) return;
  const args = [String(context.clock()), member(key, place), String(expiresAt)];
  await context.run("index", [indexAt(context, place.subject)], args);
}

/** After the entry on a cluster. Nobody waits for it: what it removes leads nowhere, and would expire by itself. */
function leaveLast(context: Context, key: string, place: Place | undefined): void {
  if (context.split && place) void leave(context, key, place).catch(() => {});
}

async function leave(context: Context, key: string, place: Place): Promise<void> {
  const index = indexAt(context, place.subject);
  await context.commands.send(index, "ZREM", index, member(key, place));
}

/** Sets and members for a script to write along with the entry: none on a cluster. */
function together(
  { prefix, split }: Context,
  key: string,
  places: readonly (Place | undefined)[],
): { keys: string[]; members: string[] } {
  if (split) return { keys: [], members: places.map(() => "") };
  return {
    keys: places.flatMap((place) => (place ? [indexAt({ prefix }, place.subject)] : [])),
    members: places.map((place) => (place ? member(key, place) : "")),
  };
}

function entryAt({ prefix }: Context, key: string): string {
  return prefix + key;
}

/** A key is base64url, so no entry has a colon where this has one. */
function indexAt({ prefix }: Pick<Context, "prefix">, subject: string): string {
  return `${prefix}subject:${subject}`;
}

const PREFIX = /^[\w\-.:/{}]{1,100}$/;
/**
 * What Redis Cluster hashes instead of the whole key: between the first `{` and the next `}`, unless that is nothing.
 */
const HASH_TAG = /^[^{]*\{[^}]+\}/;
/** The version of a text that is not ours: no script ever finds it. */
const DAMAGED = "-";

function member(key: string, place: Place): string {
  return `${key} ${place.binding}`;
}

/** The version that sessions see holds the place too, so that a write knows which set to leave without having read. */
interface Parsed {
  readonly id: string;
  readonly place?: Place | undefined;
}

function versionOf(id: string, place: Place | undefined): Version {
  return place ? `${id} ${place.binding} ${place.subject}` : id;
}

function parseVersion(version: Version): Parsed {
  const [id = DAMAGED, binding, subject] = String(version).split(" ");
  return { id: id || DAMAGED, place: binding && subject ? { binding, subject } : undefined };
}

/** An entry is `<id> ` and the envelope. */
const ID = /^[\w-]{22} /;
const ID_LENGTH = 23;

function isOne(reply: unknown): boolean {
  return Number(reply) === 1;
}
