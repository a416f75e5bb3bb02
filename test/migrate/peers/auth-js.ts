import { authJs } from "@sojourn/session/migrate";
import { type Browser, type Fetch, SITE } from "../browser.ts";
import { type Any, CART, LARGE_CART, listen, load, type Peer, type Rows, SECRET, view } from "../peer.ts";

/** Auth.js and next-auth by their own handlers, with the strategy `jwt`. */
export const authJsPeers: Rows = {
  "Auth.js 5": () => withAuthJs(CART),
  "Auth.js 5 in chunks": () => withAuthJs(LARGE_CART),
  "next-auth 4": () => withNextAuth(CART),
  "next-auth 4 in chunks": () => withNextAuth(LARGE_CART),
};

const claims = {
  adopt: ({ sub, cart }: Record<string, unknown>) => ({ subject: sub as string, data: { cart } }),
};

function callbacks(cart: readonly string[]) {
  return {
    jwt: ({ token, user }: Any) => (user ? { ...token, cart } : token),
    session: ({ session, token, user }: Any) => ({ ...session, user: { id: token?.sub ?? user.id } }),
  };
}

const credentials = { credentials: {}, authorize: async () => ({ id: "ada" }) };

async function withAuthJs(cart: readonly string[]): Promise<Peer> {
  const { default: Credentials } = await load("@auth/core/providers/credentials");
  const fetch = await authApp({ providers: [Credentials(credentials)], callbacks: callbacks(cart) });
  const login = (browser: Browser) => withCsrf(browser, fetch, "callback/credentials");
  return { fetch, login, source: (more) => authJs({ secret: SECRET, ...claims, ...more }), isStored: false, cart };
}

/** A site with Auth.js under /api/auth. */
export async function authApp(config: object): Promise<Fetch> {
  const { Auth } = await load("@auth/core");
  const whole = { secret: SECRET, trustHost: true, basePath: "/api/auth", callbacks: callbacks(CART), ...config };
  return async (request) => {
    if (new URL(request.url).pathname !== "/") return Auth(request, whole);
    const response = await Auth(new Request(`${SITE}/api/auth/session`, { headers: request.headers }), whole);
    return view(((await response.json()) as Any)?.user?.id);
  };
}

async function withNextAuth(cart: readonly string[]): Promise<Peer> {
  process.env.NEXTAUTH_URL = SITE;
  const [NextAuth, Credentials] = [
    (await load("next-auth-4")).default,
    (await load("next-auth-4/providers/credentials")).default,
  ];
  const { default: express } = await load("express");
  const config = { secret: SECRET, providers: [Credentials(credentials)], callbacks: callbacks(cart) };
  const app = express();
  app.use(express.json());
  // What Next.js makes of a request
  const asNext = ({ method, headers, body, path, query }: Any) => ({
    method,
    headers,
    body,
    query: { ...query, nextauth: path.split("/").slice(3) },
    cookies: Object.fromEntries(
      (headers.cookie ?? "").split("; ").map((pair: string) => pair.split("=").map(decodeURIComponent)),
    ),
  });
  app.all("/api/auth/*rest", (request: Any, response: Any) => NextAuth(asNext(request), response, config));
  const { fetch: send, stop } = await listen(app);
  async function fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname !== "/") return send(request);
    const response = await send(new Request(`${SITE}/api/auth/session`, { headers: request.headers }));
    return view(((await response.json()) as Any)?.user?.id);
  }
  const login = (browser: Browser) => withCsrf(browser, fetch, "callback/credentials");
  const source: Peer["source"] = (more) => authJs({ secret: SECRET, version: 4, ...claims, ...more });
  return { fetch, login, source, isStored: false, cart, stop };
}

/** A form of Auth.js, sent as its own page does. */
export async function withCsrf(browser: Browser, fetch: Fetch, path: string, fields: object = {}): Promise<void> {
  const { csrfToken } = (await (await browser.send(fetch, "/api/auth/csrf")).json()) as { csrfToken: string };
  const body = JSON.stringify({ csrfToken, ...fields });
  const headers = { "content-type": "application/json" };
  await browser.send(fetch, `/api/auth/${path}`, { method: "POST", body, headers });
}
