import {
  expressSession,
  fastifySession,
  honoSession,
  honoSessions,
  koaSession,
  reactRouter,
  remixSession,
} from "@sojourn/session/migrate";
import {
  type Any,
  adopt,
  forwardedTo,
  isLogin,
  listen,
  load,
  type Peer,
  type Rows,
  SECRET,
  signedIn,
} from "../peer.ts";
import { honoApp, remixServer, storageServer } from "./in-a-cookie.ts";

const unique = `sojourn_migrate_${process.pid}`;

/** Libraries whose cookie is an id. */
export const inAStore: Rows = {
  "express-session in memory": async () =>
    withExpressSession(new (await load("express-session")).default.MemoryStore()),

  "express-session with connect-redis": {
    needs: "redis",
    async start() {
      const [{ RedisStore }, { createClient }] = [await load("connect-redis"), await load("redis")];
      const client = await createClient().connect();
      return withExpressSession(new RedisStore({ client, prefix: `${unique}:` }), async () => {
        for (const key of await client.keys(`${unique}:*`)) await client.del(key);
        client.destroy();
      });
    },
  },

  "express-session with connect-pg-simple": {
    needs: "postgres",
    async start() {
      const [{ default: session }, { default: pg }] = [await load("express-session"), await load("pg")];
      const PgStore = (await load("connect-pg-simple")).default(session);
      const pool = new pg.Pool({ host: "127.0.0.1", user: "postgres", database: "test" });
      const table = { tableName: unique, createTableIfMissing: true, pruneSessionInterval: false };
      return withExpressSession(new PgStore({ pool, ...table }), async () => {
        await pool.query(`DROP TABLE IF EXISTS "${unique}"`);
        await pool.end();
      });
    },
  },

  "express-session with express-mysql-session": {
    needs: "mariadb",
    async start() {
      const [{ default: session }, { default: mysql }] = [await load("express-session"), await load("mysql2/promise")];
      const MySqlStore = (await load("express-mysql-session")).default(session);
      const pool = mysql.createPool({ host: "127.0.0.1", user: "root", database: "test" });
      const store = new MySqlStore({ clearExpired: false, schema: { tableName: unique } }, pool);
      await store.onReady();
      return withExpressSession(store, async () => {
        await pool.query(`DROP TABLE IF EXISTS ${unique}`);
        await pool.end();
      });
    },
  },

  async "@fastify/session with its own store"() {
    const [{ default: fastify }, { default: cookie }] = [await load("fastify"), await load("@fastify/cookie")];
    const { default: session } = await load("@fastify/session");
    const store = new session.MemoryStore();
    const app = fastify();
    await app.register(cookie);
    await app.register(session, { secret: SECRET, store, saveUninitialized: false, cookie: { secure: false } });
    app.post("/login", async (request: Any) => void Object.assign(request.session, signedIn()));
    app.get("/", async (request: Any) => ({ user: request.session.get("user") }));
    const fetch = forwardedTo(await app.listen({ port: 0, host: "127.0.0.1" }));
    const source: Peer["source"] = (more) => fastifySession({ secrets: SECRET, store, adopt, ...more });
    return { fetch, source, isStored: true, stop: () => app.close() };
  },

  async "koa-session with a store"() {
    const [{ default: Koa }, { default: session }] = [await load("koa"), await load("koa-session")];
    const records = new Map<string, unknown>();
    const store = {
      get: async (key: string) => records.get(key),
      set: async (key: string, value: unknown) => void records.set(key, structuredClone(value)),
      destroy: async (key: string) => void records.delete(key),
    };
    const app = new Koa();
    app.keys = [SECRET];
    app.use(session({ store }, app));
    app.use((context: Any) => {
      if (isLogin(context)) Object.assign(context.session, signedIn());
      context.body = { user: context.session.user };
    });
    const source: Peer["source"] = (more) => koaSession({ keys: [SECRET], store, adopt, ...more });
    return { ...(await listen(app.callback())), source, isStored: true };
  },

  async "React Router behind an id"() {
    const { createSessionStorage } = await load("react-router");
    const records = new Map<string, unknown>();
    const data = {
      async createData(value: unknown) {
        const id = crypto.randomUUID();
        records.set(id, structuredClone(value));
        return id;
      },
      readData: async (id: string) => records.get(id) ?? null,
      updateData: async (id: string, value: unknown) => void records.set(id, structuredClone(value)),
      deleteData: async (id: string) => void records.delete(id),
    };
    const storage = createSessionStorage({ cookie: { name: "__session", secrets: [SECRET] }, ...data });
    const source: Peer["source"] = (more) => reactRouter({ secrets: [SECRET], storage: data, adopt, ...more });
    return { fetch: storageServer(storage), source, isStored: true };
  },

  async "@remix-run/session in memory"() {
    const { createCookie } = await load("@remix-run/cookie");
    const storage = (await load("@remix-run/session/memory-storage")).createMemorySessionStorage();
    const cookie = createCookie("remix", { secrets: [SECRET] });
    const source: Peer["source"] = (more) =>
      remixSession({ name: "remix", secrets: [SECRET], storage, adopt, ...more });
    return { fetch: remixServer(cookie, storage), source, isStored: true };
  },

  async "@hono/session with a storage"() {
    const { useSession: session, useSessionStorage: withStorage } = await load("@hono/session");
    const records = new Map<string, unknown>();
    const storage = {
      get: (id: string) => records.get(id) ?? null,
      set: (id: string, value: unknown) => void records.set(id, structuredClone(value)),
      delete: (id: string) => void records.delete(id),
    };
    const fetch = await honoApp([withStorage(storage), session({ secret: SECRET })], {
      signIn: (session) => session.update(signedIn()),
      user: async (session) => (await session.get())?.user,
    });
    return { fetch, source: (more) => honoSession({ secret: SECRET, storage, adopt, ...more }), isStored: true };
  },

  "hono-sessions in memory": () => withHonoSessions(SECRET),
  "hono-sessions in memory, the id not sealed": () => withHonoSessions(undefined),
};

async function withExpressSession(store: Any, stopStore: () => Promise<void> = async () => {}): Promise<Peer> {
  const [{ default: express }, { default: session }] = [await load("express"), await load("express-session")];
  const app = express();
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, store }));
  app.post("/login", (request: Any, response: Any) => {
    Object.assign(request.session, signedIn());
    // express-session answers before it has saved
    request.session.save(() => response.json({}));
  });
  app.get("/", (request: Any, response: Any) => response.json({ user: request.session.user }));
  const { fetch, stop } = await listen(app);
  const source: Peer["source"] = (more) => expressSession({ secrets: SECRET, store, adopt, ...more });
  return { fetch, source, isStored: true, stop: () => stop().then(stopStore) };
}

async function withHonoSessions(encryptionKey: string | undefined): Promise<Peer> {
  const { MemoryStore, sessionMiddleware } = await load("hono-sessions");
  const store = new MemoryStore();
  const key = encryptionKey !== undefined && { encryptionKey };
  const middleware = sessionMiddleware({ store, ...key, expireAfterSeconds: 86_400, cookieOptions: { path: "/" } });
  const fetch = await honoApp([middleware], {
    signIn: (session) => Object.entries(signedIn()).map(([name, value]) => session.set(name, value)),
    user: (session) => session.get("user"),
  });
  return { fetch, source: (more) => honoSessions({ ...key, store, adopt, ...more }), isStored: true };
}
