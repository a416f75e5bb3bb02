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

/** Finds out which client it is. Throws a TypeError for something else. */
export function redisCommands(client: RedisClient): RedisCommands {
  if (typeof client !== "object" || client === null) throw notAClient(client);
  if (has(client, "call")) {
    return { isCluster: client.isCluster === true, send: (_key, command, ...args) => client.call(command, ...args) };
  }
  if (has(client, "send")) return { isCluster: false, send: (_key, command, ...args) => client.send(command, args) };
  if (!has(client, "sendCommand")) throw notAClient(client);
  // Never as read-only: a replica may be behind, and a session that was ended would be read once more.
  if (client.slots !== undefined)
    return { isCluster: true, send: (key, ...command) => client.sendCommand(key, false, command) };
  if (client.getSentinelNode !== undefined)
    return { isCluster: false, send: (_key, ...command) => client.sendCommand(false, command) };
  return { isCluster: client.isCluster === true, send: (_key, ...command) => client.sendCommand(command) };
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
