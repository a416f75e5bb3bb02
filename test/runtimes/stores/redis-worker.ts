/** A worker whose sessions are in Redis, with a client for each request: a connection belongs to what opened it. */
import process from "node:process";
import { createSessions, type Session } from "../../../src/index.ts";
import { type RedisClient, redisStore } from "../../../src/stores/redis.ts";

interface Env {
  readonly CLIENT: "redis" | "ioredis";
  readonly PORT: number;
  /** Whoever asks for this has the connections to Redis cut. */
  readonly SCISSORS: string;
}

interface Opened {
  readonly client: RedisClient;
  close(): void;
}

// Wrangler gives packages in CommonJS their require(); here it is given to them before they are imported.
(globalThis as { require?: unknown }).require = (name: string) => process.getBuiltinModule(name);

async function open({ CLIENT, PORT }: Env): Promise<Opened> {
  if (CLIENT === "redis") {
    const { createClient } = await import("redis");
    const client = createClient({ socket: { host: "127.0.0.1", port: PORT, reconnectStrategy: false } });
    client.on("error", () => {});
    await client.connect();
    return { client, close: () => client.isOpen && client.destroy() };
  }
  const { Redis } = await import("ioredis");
  // Its connect() never settles in workerd where the connection is refused; what is asked of the store ends in time
  const client = new Redis(PORT, "127.0.0.1", { retryStrategy: () => null });
  client.on("error", () => {});
  return { client, close: () => client.disconnect() };
}

const count = (session: Session<{ n: number }>): void => session.update("n", (n = 0) => n + 1);
const acts: Record<string, (session: Session<{ n: number }>, env: Env) => unknown> = {
  "/count": count,
  "/cut": async (session, { SCISSORS }) => {
    await fetch(SCISSORS);
    count(session);
  },
  "/read": () => {},
  "/end": (session) => session.destroy(),
};

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    let opened: Opened | undefined;
    try {
      opened = await open(env);
      const store = redisStore(opened.client, { prefix: `sojourn-worker-${env.CLIENT}:` });
      const sessions = createSessions<{ n: number }>({ store, storeTimeout: 2_000 });
      const handle = sessions.wrap(async (_request, session) => {
        await acts[new URL(request.url).pathname]?.(session, env);
        return Response.json(session.get("n") ?? null);
      });
      return await handle(request);
    } catch (error) {
      return new Response(String((error as { code?: unknown }).code ?? error), { status: 503 });
    } finally {
      opened?.close();
    }
  },
};
