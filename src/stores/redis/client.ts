/**
 * The Redis and Valkey clients that people have, by what we call of them. One of:
 * - `ioredis` and `iovalkey`: `Redis` and `Cluster`
 * - `redis` (node-redis 4 to 6): client, pool, sentinel and cluster
 * - Bun's `RedisClient`
 * - anything else, wrapped: `{ sendCommand: (args) => client.customCommand(args) }`, with `isCluster: true` when it
 *   speaks to a Redis Cluster
 */
export type RedisClient =
  | {
      readonly isCluster?: boolean;
      readonly slots?: unknown;
      readonly getSentinelNode?: unknown;
      call(command: string, ...args: string[]): Promise<unknown>;
    }
  | {
      readonly slots?: unknown;
      readonly getSentinelNode?: unknown;
      send(command: string, args: string[]): Promise<unknown>;
    }
  | {
      readonly isCluster?: boolean;
      readonly slots?: undefined;
      readonly getSentinelNode?: undefined;
      sendCommand(args: string[]): Promise<unknown>;
    }
  | {
      readonly slots?: undefined;
      readonly getSentinelNode: object;
      sendCommand(isReadonly: boolean | undefined, args: string[]): Promise<unknown>;
    }
  | {
      readonly slots: object;
      readonly getSentinelNode?: undefined;
      sendCommand(firstKey: string, isReadonly: boolean | undefined, args: string[]): Promise<unknown>;
    };

/** One way to talk to all of them. */
export interface RedisCommands {
  /** Whether keys of different hash slots may live on different nodes, so that no script may touch both. */
  readonly isCluster: boolean;
  /** Sends one command. `key` is the first key among its arguments: it says which node of a cluster has it. */
  send(key: string, command: string, ...args: string[]): Promise<unknown>;
}

/**
 * Finds out which client it is. Every command that it sends is answered, or rejects: `undefined` is what a client with
 * callbacks gives, and never a reply of Redis.
 *
 * @throws {TypeError} for something else, or a client that answers with callbacks
 */
export function redisCommands(client: RedisClient): RedisCommands {
  if (typeof client !== "object" || client === null) throw notAClient(client);
  refuseCallbacks(client);
  const { isCluster, send } = adapt(client);
  return {
    isCluster,
    async send(key, command, ...args) {
      const promise: unknown = send(key, [command, ...args]);
      if (typeof (promise as PromiseLike<unknown> | undefined)?.then !== "function") {
        throw noReply(command, "no promise");
      }
      const reply = await promise;
      if (reply === undefined) throw noReply(command, "undefined");
      return reply;
    },
  };
}

interface Adapted {
  readonly isCluster: boolean;
  send(key: string, command: [command: string, ...args: string[]]): Promise<unknown>;
}

function adapt(client: RedisClient): Adapted {
  if (has(client, "call")) {
    return { isCluster: client.isCluster === true, send: (_key, command) => client.call(...command) };
  }
  if (has(client, "send")) return { isCluster: false, send: (_key, [command, ...args]) => client.send(command, args) };
  if (!has(client, "sendCommand")) throw notAClient(client);
  // Never as read-only: a replica may be behind, and a session that was ended would be read once more.
  if (client.slots !== undefined)
    return { isCluster: true, send: (key, command) => client.sendCommand(key, false, command) };
  if (client.getSentinelNode !== undefined)
    return { isCluster: false, send: (_key, command) => client.sendCommand(false, command) };
  return { isCluster: client.isCluster === true, send: (_key, command) => client.sendCommand(command) };
}

function refuseCallbacks(client: object): void {
  const { options, connect, GET } = client as { options?: { legacyMode?: unknown }; connect?: unknown; GET?: unknown };
  if (options?.legacyMode) {
    throw new TypeError(
      "Cannot use a Redis client in legacyMode, which answers with callbacks: pass client.v4, or create the client without legacyMode",
    );
  }
  // It has the commands of node-redis and no connection of its own. So has client.v4, whose sendCommand is its own.
  if (typeof GET === "function" && connect === undefined && !Object.hasOwn(client, "sendCommand")) {
    throw new TypeError(
      "Cannot use what client.legacy() returns, which answers with callbacks: pass the client itself, without legacy()",
    );
  }
}

function noReply(command: string, answer: string): Error {
  return new Error(
    `The Redis client answered ${command} with ${answer}: it is not a client that answers with promises`,
  );
}

function has<Method extends string>(
  client: RedisClient,
  method: Method,
): client is Extract<RedisClient, Record<Method, unknown>> {
  return typeof (client as unknown as Record<string, unknown>)[method] === "function";
}

function notAClient(client: unknown): TypeError {
  return new TypeError(
    `Cannot use ${client === null ? "null" : typeof client} as a Redis client: pass a client of redis, ioredis or Bun, or an object with sendCommand(args)`,
  );
}
