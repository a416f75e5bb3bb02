import { betterAuth, lookupSession, lucia } from "@sojourn/session/migrate";
import { type Browser, SITE } from "../browser.ts";
import { type Any, CART, isLogin, load, type Peer, type Rows, SECRET, view } from "../peer.ts";
import { authApp, withCsrf } from "./auth-js.ts";

/** Libraries whose sessions are rows of the application's own database. */
export const lookedUp: Rows = {
  async Lucia() {
    const { Lucia } = await load("lucia");
    const rows = new Map<string, Any>();
    const old = new Lucia({
      getSessionAndUser: async (id: string) => [rows.get(id) ?? null, { id: "ada", attributes: {} }],
      setSession: async (session: Any) => void rows.set(session.id, session),
      updateSessionExpiration: async (id: string, expiresAt: Date) => void Object.assign(rows.get(id), { expiresAt }),
      deleteSession: async (id: string) => void rows.delete(id),
    });
    async function fetch(request: Request): Promise<Response> {
      if (isLogin(request)) {
        const session = await old.createSession("ada", {});
        return view("ada", { "set-cookie": old.createSessionCookie(session.id).serialize() });
      }
      const id = old.readSessionCookie(request.headers.get("cookie") ?? "");
      return view((await old.validateSession(id ?? "")).user?.id);
    }
    const source: Peer["source"] = (more) =>
      lucia<Any>({
        lookup: async (id) => (await old.validateSession(id)).session,
        end: (id) => old.invalidateSession(id),
        adopt: ({ userId }) => ({ subject: userId, data: { cart: CART } }),
        ...more,
      });
    return { fetch, source, isStored: true };
  },

  async "Better Auth"() {
    const [{ betterAuth: create }, { memoryAdapter }] = [
      await load("better-auth"),
      await load("better-auth/adapters/memory"),
    ];
    const rows: Record<string, Any[]> = { user: [], session: [], account: [], verification: [] };
    const auth = create({
      baseURL: SITE,
      secret: SECRET,
      database: memoryAdapter(rows),
      emailAndPassword: { enabled: true },
      telemetry: { enabled: false },
    });
    async function fetch(request: Request): Promise<Response> {
      const { pathname } = new URL(request.url);
      if (pathname !== "/") return auth.handler(request);
      return view((await auth.api.getSession({ headers: request.headers }))?.user.name);
    }
    let isRegistered = false;
    async function login(browser: Browser): Promise<void> {
      const body = JSON.stringify({ email: "ada@example.com", password: "correct horse", name: "ada" });
      const headers = { "content-type": "application/json" };
      const path = `/api/auth/${isRegistered ? "sign-in" : "sign-up"}/email`;
      isRegistered = true;
      await browser.send(fetch, path, { method: "POST", body, headers });
    }
    const source: Peer["source"] = (more) =>
      betterAuth<Any>({
        secret: SECRET,
        lookup: (token) => rows.session?.find((row) => row.token === token),
        end: async (token) => (await auth.$context).internalAdapter.deleteSession(token),
        adopt: ({ userId }) => ({
          subject: rows.user?.find(({ id }) => id === userId)?.name,
          data: { cart: CART },
        }),
        ...more,
      });
    return { fetch, login, source, isStored: true };
  },

  async "Auth.js 5 with a database"() {
    const [users, sessions, tokens] = [new Map<string, Any>(), new Map<string, Any>(), new Map<string, Any>()];
    const adapter = {
      createUser: async (user: Any) => put(users, "ada", { ...user, id: "ada" }),
      getUser: async (id: string) => users.get(id) ?? null,
      getUserByEmail: async () => users.get("ada") ?? null,
      updateUser: async (user: Any) => put(users, user.id, { ...users.get(user.id), ...user }),
      createVerificationToken: async (token: Any) => put(tokens, token.identifier, token),
      async useVerificationToken({ identifier }: Any) {
        const token = tokens.get(identifier) ?? null;
        tokens.delete(identifier);
        return token;
      },
      createSession: async (session: Any) => put(sessions, session.sessionToken, session),
      async getSessionAndUser(token: string) {
        const session = sessions.get(token);
        return session ? { session, user: users.get(session.userId) } : null;
      },
      updateSession: async (session: Any) => put(sessions, session.sessionToken, session),
      deleteSession: async (token: string) => void sessions.delete(token),
    };

    const letters: string[] = [];
    const provider = {
      id: "email",
      type: "email",
      name: "email",
      maxAge: 600,
      sendVerificationRequest: async ({ url }: { url: string }) => void letters.push(url),
    };
    const fetch = await authApp({ adapter, providers: [provider], session: { strategy: "database" } });
    async function login(browser: Browser): Promise<void> {
      await withCsrf(browser, fetch, "signin/email", { email: "ada@example.com" });
      await browser.send(fetch, letters.at(-1)?.slice(SITE.length));
    }
    const source: Peer["source"] = (more) =>
      lookupSession<Any>({
        cookies: ["__Secure-authjs.session-token", "authjs.session-token"],
        lookup: async (id) => {
          const session = sessions.get(id);
          return session && { ...session, expiresAt: session.expires.getTime() };
        },
        end: (id) => sessions.delete(id),
        adopt: ({ userId }) => ({ subject: userId, data: { cart: CART } }),
        ...more,
      });
    return { fetch, login, source, isStored: true };
  },
};

function put(table: Map<string, Any>, id: string, row: Any): Any {
  table.set(id, row);
  return row;
}
