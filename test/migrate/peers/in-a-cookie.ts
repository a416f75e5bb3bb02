import {
  cookieSession,
  h3Session,
  honoSession,
  honoSessions,
  ironSession,
  koaSession,
  migrationSource,
  reactRouter,
  remixSession,
} from "@sojourn/session/migrate";
import {
  type Any,
  adopt,
  forwardedTo,
  isLogin,
  LARGE_CART,
  listen,
  load,
  type Peer,
  type Rows,
  SECRET,
  signedIn,
  view,
} from "../peer.ts";

/** Libraries whose cookie is the session. */
export const inACookie: Rows = {
  async "cookie-session"() {
    const [{ default: express }, { default: session }] = [await load("express"), await load("cookie-session")];
    const app = express();
    app.use(session({ keys: [SECRET] }));
    app.post("/login", (request: Any, response: Any) => response.json(Object.assign(request.session, signedIn())));
    app.get("/", (request: Any, response: Any) => response.json({ user: request.session.user }));
    const source: Peer["source"] = (more) => cookieSession({ keys: [SECRET], adopt, ...more });
    return { ...(await listen(app)), source, isStored: false };
  },

  async "koa-session"() {
    const [{ default: Koa }, { default: session }] = [await load("koa"), await load("koa-session")];
    const app = new Koa();
    app.keys = [SECRET];
    app.use(session({}, app));
    app.use((context: Any) => {
      if (isLogin(context)) Object.assign(context.session, signedIn());
      context.body = { user: context.session.user };
    });
    const source: Peer["source"] = (more) => koaSession({ keys: [SECRET], adopt, ...more });
    return { ...(await listen(app.callback())), source, isStored: false };
  },

  "iron-session 6": () => withIron("iron-session-6/edge"),
  "iron-session 7": () => withIron("iron-session-7"),
  "iron-session 8": () => withIron("iron-session-8"),
  "iron-session 9": () => withIron("iron-session-9"),
  "iron-session 9 in chunks": () => withIron("iron-session-9", LARGE_CART),

  async "React Router"() {
    const storage = (await load("react-router")).createCookieSessionStorage({
      cookie: { name: "__session", secrets: [SECRET] },
    });
    const source: Peer["source"] = (more) => reactRouter({ secrets: [SECRET], adopt, ...more });
    return { fetch: storageServer(storage), source, isStored: false };
  },

  async "@remix-run/session"() {
    const { createCookie } = await load("@remix-run/cookie");
    const storage = (await load("@remix-run/session/cookie-storage")).createCookieSessionStorage();
    const source: Peer["source"] = (more) => remixSession({ name: "remix", secrets: [SECRET], adopt, ...more });
    return { fetch: remixServer(createCookie("remix", { secrets: [SECRET] }), storage), source, isStored: false };
  },

  async "@hono/session"() {
    const { useSession: middleware } = await load("@hono/session");
    const fetch = await honoApp([middleware({ secret: SECRET })], {
      signIn: (session) => session.update(signedIn()),
      user: async (session) => (await session.get())?.user,
    });
    return { fetch, source: (more) => honoSession({ secret: SECRET, adopt, ...more }), isStored: false };
  },

  async "hono-sessions"() {
    const { CookieStore, sessionMiddleware } = await load("hono-sessions");
    const options = { encryptionKey: SECRET, expireAfterSeconds: 86_400, cookieOptions: { path: "/" } };
    const fetch = await honoApp([sessionMiddleware({ store: new CookieStore(), ...options })], {
      signIn: (session) => Object.entries(signedIn()).map(([name, value]) => session.set(name, value)),
      user: (session) => session.get("user"),
    });
    return { fetch, source: (more) => honoSessions({ encryptionKey: SECRET, adopt, ...more }), isStored: false };
  },

  "h3 2": () => withH3(signedIn().cart),
  "h3 2 in chunks": () => withH3(LARGE_CART),
  "h3 1": () => withH31({ password: SECRET }),
  // As nuxt-auth-utils calls it
  "h3 1 as nuxt-auth-utils": () =>
    withH31({ password: SECRET, name: "nuxt-session", maxAge: 604_800, cookie: { sameSite: "lax" } }),

  async "@fastify/secure-session"() {
    const { default: fastify } = await load("fastify");
    const key = Buffer.alloc(32, "key");
    const [app, old] = [fastify(), fastify()];
    for (const one of [app, old]) await one.register((await load("@fastify/secure-session")).default, { key });
    app.post("/login", async (request: Any) => {
      for (const [name, value] of Object.entries(signedIn())) request.session.set(name, value);
    });
    app.get("/", async (request: Any) => ({ user: request.session.get("user") }));
    await old.ready();
    const source: Peer["source"] = (more) =>
      migrationSource<Record<string, unknown>>({
        name: "@fastify/secure-session",
        cookies: ["session"],
        read({ session = "" }) {
          const value = session
            .replaceAll("%2B", "+")
            .replaceAll("%2F", "/")
            .replaceAll("%3D", "=")
            .replace("%3B", ";");
          const opened = old.decodeSecureSession(value);
          // Base64 can be spelled in more than one way
          const proof = value.split(";", 2).map((part) => Buffer.from(part, "base64").toString("base64"));
          return opened ? { proof: proof.join(";"), load: () => ({ data: opened.data() }) } : undefined;
        },
        adopt,
        ...more,
      });
    const fetch = forwardedTo(await app.listen({ port: 0, host: "127.0.0.1" }));
    return { fetch, source, isStored: false, stop: () => Promise.all([app.close(), old.close()]) };
  },
};

async function withIron(version: string, cart = signedIn().cart): Promise<Peer> {
  const { getIronSession } = await load(version);
  const options = { cookieName: "iron", password: SECRET, ...(cart === LARGE_CART && { chunk: true }) };
  async function fetch(request: Request): Promise<Response> {
    const response = new Response();
    const session = await getIronSession(request, response, options);
    if (isLogin(request)) await Object.assign(session, signedIn(cart)).save();
    return view(session.user, response.headers);
  }
  const source: Peer["source"] = (more) => ironSession({ cookieName: "iron", password: SECRET, adopt, ...more });
  return { fetch, source, isStored: false, cart };
}

async function withH3(cart: readonly string[]): Promise<Peer> {
  const { H3, useSession } = await load("h3");
  const app = new H3();
  const session = (event: Any) => useSession(event, { password: SECRET });
  app.post("/login", async (event: Any) => void (await (await session(event)).update(signedIn(cart))));
  app.get("/", async (event: Any) => ({ user: (await session(event)).data.user }));
  const fetch = async (request: Request) => app.fetch(request);
  return { fetch, source: (more) => h3Session({ password: SECRET, adopt, ...more }), isStored: false, cart };
}

async function withH31(config: { password: string; name?: string; maxAge?: number; cookie?: object }): Promise<Peer> {
  const { createApp, defineEventHandler, toWebHandler, useSession } = await load("h3-1");
  const app = createApp().use(
    defineEventHandler(async (event: Any) => {
      const session = await useSession(event, config);
      if (isLogin(event)) await session.update(signedIn());
      return { user: session.data.user };
    }),
  );
  const { cookie: _, ...known } = config;
  return { fetch: toWebHandler(app), source: (more) => h3Session({ ...known, adopt, ...more }), isStored: false };
}

/** With the `SessionStorage` of React Router. */
export function storageServer(storage: Any): Peer["fetch"] {
  return async (request) => {
    const session = await storage.getSession(request.headers.get("cookie"));
    if (!isLogin(request)) return view(session.get("user"));
    for (const [name, value] of Object.entries(signedIn())) session.set(name, value);
    return view("ada", { "set-cookie": await storage.commitSession(session) });
  };
}

/** With the `Cookie` and the `SessionStorage` of Remix 3. */
export function remixServer(cookie: Any, storage: Any): Peer["fetch"] {
  return async (request) => {
    const session = await storage.read(await cookie.parse(request.headers.get("cookie")));
    if (!isLogin(request)) return view(session.get("user"));
    for (const [name, value] of Object.entries(signedIn())) session.set(name, value);
    return view("ada", { "set-cookie": await cookie.serialize(await storage.save(session)) });
  };
}

interface OnHono {
  signIn(session: Any): unknown;
  user(session: Any): unknown;
}

export async function honoApp(middleware: Any[], { signIn, user }: OnHono): Promise<Peer["fetch"]> {
  const { Hono } = await load("hono");
  const app = new Hono();
  for (const one of middleware) app.use(one);
  app.post("/login", async (c: Any) => {
    await signIn(c.get("session"));
    return c.json({});
  });
  app.get("/", async (c: Any) => c.json({ user: await user(c.get("session")) }));
  return async (request) => app.fetch(request);
}
