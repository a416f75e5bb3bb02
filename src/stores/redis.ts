/**
 * Sessions in Redis or Valkey, alone, with Sentinel or as a Cluster.
 * @module
 */
import type { Entry, EntryMeta, SessionStore, Version } from "../store.ts";
import { newNonce } from "../stored/token.ts";
import { HEAD_LENGTH, open, openHead, type Place, seal, subjectDigest, UNKNOWN_EXPIRY, wholeMs } from "./envelope.ts";
import { type RedisClient, redisCommands } from "./redis-client.ts";
import { redisScripts } from "./redis-scripts.ts";

export type { RedisClient } from "./redis-client.ts";

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
 * of the subject>`. Both expire by themselves.
 *
 * **Redis Cluster.** A session is one key, so it has one slot; the set of its subject has another. There a write of a
 * signed-in session is two commands, the set first: a crash between them leaves a name in the set that leads nowhere,
 * and `keysOf` asks each session. With a hash tag in the prefix (`"{session}:"`) all is in one slot, and one command
 * again.
 *
 * **Settings that matter.** `maxmemory-policy noeviction`, since any other ends sessions before their time. Read from
 * the primary: a replica may be behind (`scaleReads` of ioredis). With ioredis `autoResendUnfulfilledCommands: false`:
 * by default it sends a write again whose answer was lost with the connection; when another write came between the two,
 * it looks refused, and sessions would apply the change a second time. A failover may lose the last acknowledged
 * writes, a logout among them, because Redis replicates asynchronously.
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
 * @throws {TypeError} for something that is no client, or a prefix with other characters
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): SessionStore {
  const { prefix = "session:", clock = Date.now } = options;
  if (typeof prefix !== "string" || !PREFIX.test(prefix)) {
    throw new TypeError(
      `Cannot use Redis prefix ${JSON.stringify(prefix)}: write 1 to 100 of A-Z a-z 0-9 _ - . : / { }`,
    );
  }
  const commands = redisCommands(client);
  const run = redisScripts(commands);
  /** Whether entry and index may be in different slots, where no script can write both. */
  const split = commands.isCluster && !HASH_TAG.test(prefix);

  const entryAt = (key: string): string => prefix + key;
  // A key is base64url, so no entry has a colon where this has one.
  const indexOf = (place: Place): string => `${prefix}subject:${place.subject}`;

  /** Before the entry on a cluster; inside the entry's script everywhere else. */
  async function joinFirst(key: string, place: Place | undefined, expiresAt: number): Promise<void> {
    if (split && place) await run("index", [indexOf(place)], [String(clock()), member(key, place), String(expiresAt)]);
  }

  /** After the entry on a cluster. Nobody waits for it: what it removes leads nowhere, and would expire by itself. */
  function leaveLast(key: string, place: Place | undefined): void {
    if (split && place) void commands.send(indexOf(place), "ZREM", indexOf(place), member(key, place)).catch(() => {});
  }

  /** Sets and members for a script to write along with the entry: none on a cluster. */
  function together(key: string, places: readonly (Place | undefined)[]): { keys: string[]; members: string[] } {
    if (split) return { keys: [], members: places.map(() => "") };
    return {
      keys: places.flatMap((place) => (place ? [indexOf(place)] : [])),
      members: places.map((place) => (place ? member(key, place) : "")),
    };
  }

  async function write(
    key: string,
    value: string,
    meta: EntryMeta,
    expected: Parsed | undefined,
  ): Promise<Version | undefined> {
    const id = newNonce();
    const subject = meta.subject === undefined ? undefined : await subjectDigest(meta.subject);
    const left = expected?.place;
    // A session that stays with its subject keeps its member; any other change makes a new one, so that a late removal
    // of the old one harms nobody.
    const stays = left !== undefined && left.subject === subject;
    const joined = stays ? left : subject === undefined ? undefined : { subject, binding: id };
    const expiresAt = wholeMs(meta.expiresAt);

    await joinFirst(key, joined, expiresAt);
    const { keys, members } = together(key, [joined, stays ? undefined : left]);
    const args = [
      String(clock()),
      expected?.id ?? "",
      `${id} ${seal({ expiresAt, place: joined }, value)}`,
      String(expiresAt),
      ...members,
    ];
    const done = isOne(await run("write", [entryAt(key), ...keys], args));
    if (!stays) leaveLast(key, done ? left : joined);
    return done ? versionOf(id, joined) : undefined;
  }

  async function read(key: string): Promise<Entry | undefined> {
    const text = await commands.send(entryAt(key), "GET", entryAt(key));
    if (text === null || text === undefined) return undefined;
    const id = ID.exec(String(text))?.[0].trimEnd();
    const opened = id && open(String(text).slice(ID_LENGTH));
    if (!opened) return { value: String(text), version: DAMAGED, expiresAt: UNKNOWN_EXPIRY };
    const { value, place, expiresAt } = opened;
    return expiresAt > clock() ? { value, version: versionOf(id, place), expiresAt } : undefined;
  }

  async function touch(key: string, expiresAt: number, expected?: Version): Promise<boolean> {
    if (expected === undefined) {
      for (;;) {
        const version = (await read(key))?.version;
        if (version === undefined || version === DAMAGED) return false;
        if (await touch(key, expiresAt, version)) return true;
      }
    }
    const { id, place } = parseVersion(expected);
    await joinFirst(key, place, wholeMs(expiresAt));
    const { keys, members } = together(key, [place]);
    return isOne(
      await run("touch", [entryAt(key), ...keys], [String(clock()), id, String(wholeMs(expiresAt)), ...members]),
    );
  }

  async function remove(key: string, expected?: Version): Promise<boolean> {
    if (expected !== undefined) {
      const { id, place } = parseVersion(expected);
      const { keys, members } = together(key, [place]);
      const done = isOne(await run("delete", [entryAt(key), ...keys], [String(clock()), id, ...members]));
      if (done) leaveLast(key, place);
      return done;
    }
    const text = await run("deleteAny", [entryAt(key)], [String(clock())]);
    if (Number(text) === 0) return false;
    const place = openHead(String(text).slice(ID_LENGTH))?.place;
    if (place) await commands.send(indexOf(place), "ZREM", indexOf(place), member(key, place));
    return true;
  }

  async function keysOf(subject: string): Promise<string[]> {
    const index = indexOf({ subject: await subjectDigest(subject), binding: "" });
    const members = (await commands.send(index, "ZRANGEBYSCORE", index, `(${clock()}`, "+inf")) as unknown[];
    const listed = members.map((text) => String(text).split(" ") as [key: string, binding: string]);
    if (!split) return listed.map(([key]) => key);
    const present = await Promise.all(
      listed.map(async ([key, binding]) => {
        const text = await commands.send(
          entryAt(key),
          "GETRANGE",
          entryAt(key),
          String(ID_LENGTH),
          String(ID_LENGTH + HEAD_LENGTH),
        );
        const head = openHead(String(text));
        return head?.place?.binding === binding && head.expiresAt > clock();
      }),
    );
    return listed.flatMap(([key], at) => (present[at] ? [key] : []));
  }

  return {
    read,
    create: (key, value, meta) => write(key, value, meta, undefined),
    update: (key, value, meta, expected) => write(key, value, meta, parseVersion(expected)),
    delete: remove,
    touch,
    keysOf,
  };
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
