import { sha1 } from "#platform";
import type { RedisCommands } from "./client.ts";

/*
 * What the scripts know of an entry: its first 39 characters are `<id of the version, 22> <expiry in epoch ms, 16
 * digits>`. KEYS[1] is always the entry and ARGV[1] the caller's clock, so that a replica or a restart replays the same
 * decision. `current` is the id of the live version; "" when there is none, when it has expired or when the text is not
 * ours.
 */
const CURRENT = `
local head = redis.call("GETRANGE", KEYS[1], 0, 38)
local ends = tonumber(string.sub(head, 24, 39))
local current = ""
if ends and ends > tonumber(ARGV[1]) then current = string.sub(head, 1, 22) end
`;

/*
 * The clocks of the servers and of Redis differ. Redis clears away a minute after the end, and what decides whether an
 * entry is live is the clock that comes with each command.
 */
const EXPIRE = `
local function expire(key, ends)
  redis.call("PEXPIREAT", key, string.format("%.0f", tonumber(ends) + 60000))
end
`;

/*
 * A subject's sorted set drops what has expired whenever it is written, and lives as long as its last member. The
 * member comes first: a Redis that is full refuses a script at its first write or not at all, and only ZADD asks for
 * room.
 */
const JOIN = `
local function join(index, member, ends)
  redis.call("ZADD", index, ends, member)
  redis.call("ZREMRANGEBYSCORE", index, "-inf", tonumber(ARGV[1]) - 60000)
  local last = redis.call("ZRANGE", index, -1, -1, "WITHSCORES")[2]
  if last then expire(index, last) end
end
`;

/**
 * `create` (ARGV[2] is "") and `update` (ARGV[2] is the expected id). ARGV: clock, expected, entry, expiry, member to
 * add or "", member to remove or "". KEYS: entry, then the sets of the members that are given. The new id is the
 * caller's, so a command that a client sends again because the answer got lost finds its own version and succeeds.
 */
const WRITE = `${CURRENT}${EXPIRE}${JOIN}
if current == string.sub(ARGV[3], 1, 22) then return 1 end
if current ~= ARGV[2] then return 0 end
local next = 2
if ARGV[5] ~= "" then
  join(KEYS[next], ARGV[5], ARGV[4])
  next = next + 1
end
redis.call("SET", KEYS[1], ARGV[3])
expire(KEYS[1], ARGV[4])
if ARGV[6] ~= "" then redis.call("ZREM", KEYS[next], ARGV[6]) end
return 1
`;

/** Moves the expiry in place. ARGV: clock, expected, expiry, member or "". KEYS: entry, set of the member. */
const TOUCH = `${CURRENT}${EXPIRE}${JOIN}
if current == "" or current ~= ARGV[2] then return 0 end
if ARGV[4] ~= "" then join(KEYS[2], ARGV[4], ARGV[3]) end
redis.call("SETRANGE", KEYS[1], 23, string.rep("0", 16 - #ARGV[3]) .. ARGV[3])
expire(KEYS[1], ARGV[3])
return 1
`;

/** ARGV: clock, expected, member or "". KEYS: entry, set of the member. */
const DELETE = `${CURRENT}
if current == "" or current ~= ARGV[2] then return 0 end
redis.call("DEL", KEYS[1])
if ARGV[3] ~= "" then redis.call("ZREM", KEYS[2], ARGV[3]) end
return 1
`;

/**
 * Deletes whatever version there is, a damaged one too, and returns its beginning, which names its subject; 0 when
 * there was none.
 */
const DELETE_ANY = `${CURRENT}
if head == "" or (ends and current == "") then return 0 end
local text = redis.call("GETRANGE", KEYS[1], 0, 127)
redis.call("DEL", KEYS[1])
return text
`;

/**
 * On a cluster, where a subject's set has a slot of its own: runs before the entry is written, so it never lowers the
 * expiry of a member, because the write that follows may be refused. KEYS: set. ARGV: clock, member, expiry.
 */
const INDEX = `${EXPIRE}${JOIN}
local score = redis.call("ZSCORE", KEYS[1], ARGV[2])
if not score or tonumber(score) < tonumber(ARGV[3]) then join(KEYS[1], ARGV[2], ARGV[3]) end
return 1
`;

type ScriptName = "write" | "touch" | "delete" | "deleteAny" | "index";

/**
 * Runs one of the scripts in one command: by its SHA-1, and with its text only where the server does not have it (first
 * use, SCRIPT FLUSH, restart, failover).
 */
export type RunScript = (
  name: ScriptName,
  keys: readonly [string, ...string[]],
  args: readonly string[],
) => Promise<unknown>;

export function redisScripts(commands: RedisCommands): RunScript {
  const scripts: Record<ScriptName, Script> = {
    write: { lua: WRITE },
    touch: { lua: TOUCH },
    delete: { lua: DELETE },
    deleteAny: { lua: DELETE_ANY },
    index: { lua: INDEX },
  };
  return async (name, keys, args) => {
    const script = scripts[name];
    script.sha ??= sha1(script.lua);
    const { lua, sha } = script;
    const rest = [String(keys.length), ...keys, ...args];
    try {
      return await commands.send(keys[0], "EVALSHA", sha, ...rest);
    } catch (error) {
      if (!/^NOSCRIPT/.test(String((error as { message?: unknown } | null)?.message))) throw error;
      return commands.send(keys[0], "EVAL", lua, ...rest);
    }
  };
}

interface Script {
  readonly lua: string;
  /** Known from the first use on. */
  sha?: string;
}
