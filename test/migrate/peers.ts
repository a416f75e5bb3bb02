import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { MigrationSource } from "@sojourn/session";
import {
  authJs,
  betterAuth,
  cookieSession,
  expressSession,
  fastifySession,
  h3Session,
  honoSession,
  honoSessions,
  ironSession,
  koaSession,
  lucia,
  reactRouter,
  remixSession,
} from "@sojourn/session/migrate";

/** A server on a library that people come from, and how ours takes its sessions over. */
export interface Peer {
  /** The server: POST /login signs "ada" in with a cart, GET / says who is signed in. */
  readonly url: string;
  readonly source: (options: { keepOld?: boolean }) => MigrationSource;
  stop(): Promise<void>;
}

interface View {
  readonly user?: string | undefined;
}

const SECRET = "a secret of the old application, long enough for all of them";
const CART = ["book", "pen"];

// biome-ignore lint/suspicious/noExplicitAny: the peers are installed on demand, so their types may be missing
type Any = any;

const load = async (name: string): Promise<Any> => import(name);

async function listen(listener: RequestListener): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url, stop };
}

/** A fetch handler behind Node's server. */
const serve = (fetch: (request: Request) => Promise<Response>) =>
  listen(getRequestListener(fetch, { overrideGlobalObjects: false }) as RequestListener);

const isLogin = (request: Request): boolean => request.method === "POST";

async function express(middleware: (request: Any, response: Any, next: Any) => void) {
  const { default: createApp } = await load("express");
  const app = createApp();
  app.use(middleware);
  app.post("/login", (request: Any, response: Any) => {
    Object.assign(request.session, { user: "ada", cart: CART });
    // express-session answers before it has saved
    if (request.session.save) request.session.save(() => response.json({}));
    else response.json({});
  });
  app.get("/", (request: Any, response: Any) => response.json({ user: request.session?.user } satisfies View));
  return listen(app);
}

const signedIn = (data: unknown) => {
  const { user, ...rest } = data as { user?: string };
  return { subject: user, data: rest };
};

const options = { adopt: signedIn };

async function withExpressSession(store: Any): Promise<Peer> {
  const { default: session } = await load("express-session");
  const middleware = session({ secret: SECRET, resave: false, saveUninitialized: false, store });
  const source: Peer["source"] = (more) => expressSession({ secrets: SECRET, store, ...options, ...more });
  return { ...(await express(middleware)), source };
}

/** Each peer, by its name. Rejects where it cannot run here. */
export const peers: Record<string, () => Promise<Peer>> = {
  async "express-session in memory"() {
    const { default: session } = await load("express-session");
    return withExpressSession(new session.MemoryStore());
  },

  async "express-session with connect-redis"() {
    const [{ RedisStore }, { createClient }] = [await load("connect-redis"), await load("redis")];
    const client = await createClient().connect();
    const prefix = `sojourn_migrate_${process.pid}:`;
    const peer = await withExpressSession(new RedisStore({ client, prefix }));
    const stop = async () => {
      await peer.stop();
      for (const key of await client.keys(`${prefix}*`)) await client.del(key);
      client.destroy();
    };
    return { ...peer, stop };
  },

  async "express-session with connect-pg-simple"() {
    const [{ default: session }, { default: connect }] = [
      await load("express-session"),
      await load("connect-pg-simple"),
    ];
    const { default: pg } = await load("pg");
    const pool = new pg.Pool({ host: "127.0.0.1", user: "postgres", database: "test" });
    const tableName = `sojourn_migrate_${process.pid}`;
    const PgStore = connect(session);
    const store = new PgStore({ pool, tableName, createTableIfMissing: true, pruneSessionInterval: false });
    const peer = await withExpressSession(store);
    const stop = async () => {
      await peer.stop();
      await pool.query(`DROP TABLE IF EXISTS "${tableName}"`);
      await pool.end();
    };
    return { ...peer, stop };
  },

  async "cookie-session"() {
    const { default: session } = await load("cookie-session");
    const source: Peer["source"] = (more) => cookieSession({ keys: [SECRET], ...options, ...more });
    return { ...(await express(session({ keys: [SECRET] }))), source };
  },

  async "@fastify/session"() {
    const [{ default: fastify }, { default: cookie }] = [await load("fastify"), await load("@fastify/cookie")];
    const { default: session } = await load("@fastify/session");
    const { default: connect } = await load("express-session");
    const store = new connect.MemoryStore();
    const app = fastify();
    await app.register(cookie);
    await app.register(session, { secret: SECRET, store, saveUninitialized: false, cookie: { secure: false } });
    app.post("/login", async (request: Any) => {
      request.session.set("user", "ada");
      request.session.set("cart", CART);
      return {};
    });
    app.get("/", async (request: Any) => ({ user: request.session.get("user") }) satisfies View);
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    const source: Peer["source"] = (more) => fastifySession({ secrets: SECRET, store, ...options, ...more });
    return { url, stop: () => app.close(), source };
  },

  async "koa-session"() {
    const [{ default: Koa }, { default: session }] = [await load("koa"), await load("koa-session")];
    const app = new Koa();
    app.keys = [SECRET];
    app.use((session as Any)({ key: "koa.sess" }, app));
    app.use((context: Any) => {
      if (context.method === "POST") Object.assign(context.session, { user: "ada", cart: CART });
      context.body = { user: context.session.user } satisfies View;
    });
    const source: Peer["source"] = (more) => koaSession({ keys: [SECRET], ...options, ...more });
    return { ...(await listen(app.callback())), source };
  },

  "iron-session 8": () => withIron("iron-session-8"),
  "iron-session 9": () => withIron("iron-session-9"),

  async "React Router, in the cookie"() {
    const { createCookieSessionStorage } = await load("react-router");
    const storage = createCookieSessionStorage({ cookie: { name: "__session", secrets: [SECRET] } });
    return withStorage(storage, (more) => reactRouter({ secrets: [SECRET], ...options, ...more }));
  },

  async "React Router, behind an id"() {
    const { createSessionStorage } = await load("react-router");
    const kept = new Map<string, unknown>();
    const data = {
      async createData(value: unknown) {
        const id = crypto.randomUUID();
        kept.set(id, structuredClone(value));
        return id;
      },
      readData: async (id: string) => kept.get(id) ?? null,
      updateData: async (id: string, value: unknown) => void kept.set(id, structuredClone(value)),
      deleteData: async (id: string) => void kept.delete(id),
    };
    const storage = createSessionStorage({ cookie: { name: "__session", secrets: [SECRET] }, ...data });
    return withStorage(storage, (more) => reactRouter({ secrets: [SECRET], storage: data, ...options, ...more }));
  },

  "@remix-run/session in the cookie": () => withRemix("cookie"),
  "@remix-run/session in memory": () => withRemix("memory"),

  async "Auth.js 5"() {
    const { encode, decode } = await load("@auth/core/jwt");
    const name = "authjs.session-token";
    const seal = (token: unknown) => encode({ token, secret: SECRET, salt: name });
    const open = (token: string) => decode({ token, secret: SECRET, salt: name });
    return withJwt(name, seal, open, (more) => authJs({ secret: SECRET, ...claims, ...more }));
  },

  async "next-auth 4"() {
    const { encode, decode } = await load("next-auth-4/jwt");
    const name = "next-auth.session-token";
    const seal = (token: unknown) => encode({ token, secret: SECRET });
    const open = (token: string) => decode({ token, secret: SECRET });
    return withJwt(name, seal, open, (more) => authJs({ secret: SECRET, version: 4, ...claims, ...more }));
  },

  async "@hono/session"() {
    const [{ Hono }, { useSession: middleware }] = [await load("hono"), await load("@hono/session")];
    const app = new Hono();
    app.use(middleware({ secret: SECRET }));
    app.post("/login", async (c: Any) => {
      await c.var.session.update({ user: "ada", cart: CART });
      return c.json({});
    });
    app.get("/", async (c: Any) => c.json({ user: (await c.var.session.get())?.user } satisfies View));
    return { ...(await serve(app.fetch)), source: (more) => honoSession({ secret: SECRET, ...options, ...more }) };
  },

  "hono-sessions in the cookie": () => withHonoSessions("CookieStore"),
  "hono-sessions in memory": () => withHonoSessions("MemoryStore"),

  async h3() {
    const { H3, useSession: session } = await load("h3");
    const app = new H3();
    const open = (event: Any) => session(event, { password: SECRET, cookie: { secure: false } });
    app.post("/login", async (event: Any) => {
      await (await open(event)).update({ user: "ada", cart: CART });
      return {};
    });
    app.get("/", async (event: Any) => ({ user: (await open(event)).data.user }) satisfies View);
    return {
      ...(await serve(async (request) => app.fetch(request))),
      source: (more) => h3Session({ password: SECRET, ...options, ...more }),
    };
  },

  // The application has the rows; the cookie is what these libraries set
  async "Lucia, by a lookup"() {
    const { rows, by } = table();
    const source: Peer["source"] = (more) => lucia({ ...by, ...more });
    return {
      ...(await serve(
        idServer(
          rows,
          "auth_session",
          async (id) => id,
          async (value) => value,
        ),
      )),
      source,
    };
  },

  async "Better Auth, by a lookup"() {
    const { rows, by } = table();
    const name = "better-auth.session_token";
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("raw", Buffer.from(SECRET), algorithm, false, ["sign"]);
    const sign = async (id: string) => {
      const mac = Buffer.from(await crypto.subtle.sign("HMAC", key, Buffer.from(id))).toString("base64");
      return encodeURIComponent(`${id}.${mac}`);
    };
    const source: Peer["source"] = (more) => betterAuth({ secret: SECRET, ...by, ...more });
    return { ...(await serve(idServer(rows, name, sign, async (value) => value.split(".")[0] as string))), source };
  },
};

const claims = { adopt: ({ sub, cart }: Record<string, unknown>) => ({ subject: sub as string, data: { cart } }) };

async function withIron(version: string): Promise<Peer> {
  const { getIronSession } = await load(version);
  const open = (request: Request, response: Response) =>
    getIronSession(request, response, { cookieName: "iron", password: SECRET, cookieOptions: { secure: false } });
  const server = await serve(async (request) => {
    const response = new Response();
    const session = await open(request, response);
    if (isLogin(request)) {
      Object.assign(session, { user: "ada", cart: CART });
      await session.save();
    }
    return Response.json({ user: session.user } satisfies View, { headers: response.headers });
  });
  return { ...server, source: (more) => ironSession({ cookieName: "iron", password: SECRET, ...options, ...more }) };
}

async function withStorage(storage: Any, source: Peer["source"]): Promise<Peer> {
  const server = await serve(async (request) => {
    const session = await storage.getSession(request.headers.get("cookie"));
    if (!isLogin(request)) return Response.json({ user: session.get("user") } satisfies View);
    session.set("user", "ada");
    session.set("cart", CART);
    return Response.json({}, { headers: { "set-cookie": await storage.commitSession(session) } });
  });
  return { ...server, source };
}

async function withRemix(kind: "cookie" | "memory"): Promise<Peer> {
  const { createCookie } = await load("@remix-run/cookie");
  const { createCookieSessionStorage } = await load("@remix-run/session/cookie-storage");
  const { createMemorySessionStorage } = await load("@remix-run/session/memory-storage");
  const storage = kind === "cookie" ? createCookieSessionStorage() : createMemorySessionStorage();
  const cookie = createCookie("remix", { secrets: [SECRET] });
  const server = await serve(async (request) => {
    const session = await storage.read(await cookie.parse(request.headers.get("cookie")));
    if (!isLogin(request)) return Response.json({ user: session.get("user") } satisfies View);
    session.set("user", "ada");
    session.set("cart", CART);
    return Response.json({}, { headers: { "set-cookie": await cookie.serialize(await storage.save(session)) } });
  });
  const stored = kind === "memory" && { storage };
  return {
    ...server,
    source: (more) => remixSession({ name: "remix", secrets: [SECRET], ...stored, ...options, ...more }),
  };
}

async function withJwt(
  name: string,
  seal: (token: unknown) => Promise<string>,
  open: (token: string) => Promise<{ sub?: string } | null>,
  source: Peer["source"],
): Promise<Peer> {
  const server = await serve(async (request) => {
    if (isLogin(request)) {
      const token = await seal({ sub: "ada", cart: CART });
      return Response.json({}, { headers: { "set-cookie": `${name}=${token}; Path=/; HttpOnly` } });
    }
    const [, token = ""] = new RegExp(`${name}=([^;]+)`).exec(request.headers.get("cookie") ?? "") ?? [];
    return Response.json({ user: token === "" ? undefined : (await open(token))?.sub } satisfies View);
  });
  return { ...server, source };
}

async function withHonoSessions(kind: "CookieStore" | "MemoryStore"): Promise<Peer> {
  const [{ Hono }, library] = [await load("hono"), await load("hono-sessions")];
  const store = new library[kind]();
  const app = new Hono();
  app.use(
    library.sessionMiddleware({
      store,
      encryptionKey: SECRET,
      expireAfterSeconds: 86_400,
      cookieOptions: { path: "/" },
    }),
  );
  app.post("/login", (c: Any) => {
    c.get("session").set("user", "ada");
    c.get("session").set("cart", CART);
    return c.json({});
  });
  app.get("/", (c: Any) => c.json({ user: c.get("session").get("user") } satisfies View));
  const stored = kind === "MemoryStore" && { store };
  return {
    ...(await serve(app.fetch)),
    source: (more) => honoSessions({ encryptionKey: SECRET, ...stored, ...options, ...more }),
  };
}

interface Row {
  readonly user: string;
  readonly cart: readonly string[];
  readonly expiresAt: number;
}

function table() {
  const rows = new Map<string, Row>();
  const by = {
    lookup: async (id: string) => rows.get(id),
    end: async (id: string) => rows.delete(id),
    adopt: ({ user, cart }: Row) => ({ subject: user, data: { cart } }),
  };
  return { rows, by };
}

function idServer(
  rows: Map<string, Row>,
  name: string,
  encode: (id: string) => Promise<string>,
  decode: (value: string) => Promise<string>,
) {
  return async (request: Request): Promise<Response> => {
    if (isLogin(request)) {
      const id = crypto.randomUUID();
      rows.set(id, { user: "ada", cart: CART, expiresAt: Date.now() + 30 * 86_400_000 });
      return Response.json({}, { headers: { "set-cookie": `${name}=${await encode(id)}; Path=/; HttpOnly` } });
    }
    const [, value = ""] = new RegExp(`${name}=([^;]+)`).exec(request.headers.get("cookie") ?? "") ?? [];
    return Response.json({ user: rows.get(await decode(decodeURIComponent(value)))?.user } satisfies View);
  };
}
