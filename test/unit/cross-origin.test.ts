import { beforeEach, describe, expect, test } from "vitest";
import {
  createSessions,
  memoryStore,
  type Session,
  type SessionEvent,
  type Sessions,
  type SessionsOptions,
} from "../../src/index.ts";
import { generateKey, sealedCookies } from "../../src/sealed.ts";

interface Data {
  cart: string[];
}

const OWN = "https://shop.example/checkout";
const EVIL = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };

let store: NonNullable<SessionsOptions["store"]>;
let events: SessionEvent[];
let cookie: string;

/** Sessions over the store of the test, on which a user is signed in already. */
function start(options: SessionsOptions = {}): Sessions<Data> {
  return createSessions<Data>({ store, observe: (event) => events.push(event), ...options });
}

async function signIn(sessions: Sessions<Data>): Promise<void> {
  const response = await sessions.wrap((_request, session) => {
    session.signIn("ada");
    session.set("cart", ["book"]);
    return new Response();
  })(new Request(OWN, { method: "POST" }));
  cookie = String(response.headers.getSetCookie()[0]).split(";", 1)[0] as string;
  events = [];
}

function request(headers: Record<string, string> = {}, method = "POST", url = OWN): Request {
  return new Request(url, { method, headers: { cookie, ...headers } });
}

beforeEach(() => {
  store = memoryStore();
  events = [];
  cookie = "";
});

describe.each(["memory", "sealed"])("a foreign request, sessions in %s", (where) => {
  beforeEach(() => {
    if (where === "sealed") store = sealedCookies({ keys: [generateKey()] });
  });

  test("gets an empty session; its cookie is left alone, and the user's session too", async () => {
    const sessions = start();
    await signIn(sessions);
    const seen = sessions.wrap((_request, session) =>
      Response.json([
        session.isNew,
        session.subject,
        session.handle,
        session.get("cart"),
        session.all(),
        session.authenticatedAt,
      ]),
    );
    const response = await seen(request(EVIL));
    expect(await response.json()).toEqual([true, null, null, null, {}, null]);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await (await seen(request())).json()).toEqual([
      false,
      "ada",
      expect.any(String),
      ["book"],
      { cart: ["book"] },
      expect.any(Number),
    ]);
    expect(events).toEqual([{ type: "foreign_request", origin: "https://evil.example", site: "cross-site" }]);
  });

  test.each<[string, (session: Session<Data>) => void]>([
    ["signIn", (session) => session.signIn("mallory")],
    ["set", (session) => session.set("cart", [])],
    ["update", (session) => session.update("cart", () => [])],
    ["delete", (session) => session.delete("cart")],
    ["take", (session) => void session.take("cart")],
    ["clear", (session) => session.clear()],
    ["renew", (session) => session.renew()],
    ["persist", (session) => session.persist()],
    ["destroy", (session) => session.destroy()],
  ])("may not %s, with a cookie or without", async (_, write) => {
    const sessions = start();
    await signIn(sessions);
    const handler = sessions.wrap((_request, session) => {
      write(session);
      return new Response();
    });
    for (const withCookie of [cookie, ""]) {
      cookie = withCookie;
      await expect(handler(request(EVIL))).rejects.toMatchObject({
        code: "foreign_request",
        message: expect.stringContaining(
          'from https://evil.example, so its session is empty and takes no changes; to let it through write crossOrigin: { trusted: ["https://evil.example"] }',
        ),
      });
    }
  });
});

describe("foreign requests", () => {
  test("are told apart in load and loadFrom by what the request has", async () => {
    const sessions = start();
    await signIn(sessions);
    expect((await sessions.load(request(EVIL))).subject).toBeUndefined();
    expect((await sessions.loadFrom(request(EVIL, "PUT"))).subject).toBeUndefined();
    expect((await sessions.load(request(EVIL, "GET"))).subject).toBe("ada");
    expect((await sessions.load(request())).subject).toBe("ada");
    const like = { url: OWN, headers: request(EVIL).headers };
    expect((await sessions.load(like)).subject).toBe("ada");
    expect((await sessions.load({ ...like, method: "DELETE" })).subject).toBeUndefined();
    expect(await sessions.commit(await sessions.load(request(EVIL)))).toEqual(new Headers());
  });

  test("are told apart in wrapLazy when the session is opened, once", async () => {
    const sessions = start();
    await signIn(sessions);
    const ran: unknown[] = [];
    const handler = sessions.wrapLazy(async (_request, open, wanted: boolean) => {
      if (wanted) ran.push((await open()).subject, (await open()).subject);
      return new Response();
    });
    await handler(request(EVIL), false);
    expect(events).toEqual([]);
    await handler(request(EVIL), true);
    await handler(request(), true);
    expect(ran).toEqual([undefined, undefined, "ada", "ada"]);
    expect(events.map(({ type }) => type)).toEqual(["foreign_request"]);
  });

  test("may open a WebSocket, but not with the session", async () => {
    const sessions = start();
    await signIn(sessions);
    const upgrade = { upgrade: "websocket", connection: "Upgrade" };
    expect((await sessions.load(request({ ...upgrade, origin: "https://shop.example" }, "GET"))).subject).toBe("ada");
    expect(
      (await sessions.load(request({ ...upgrade, origin: "https://evil.example" }, "GET"))).subject,
    ).toBeUndefined();
    expect((await sessions.load(request(upgrade, "GET"))).subject).toBe("ada");
  });

  test("that arrive without the Lax cookie, as a provider's form post, do not replace the session", async () => {
    const sessions = start();
    await signIn(sessions);
    const callback = sessions.wrap((_request, session) => {
      session.set("cart", ["from the provider"]);
      return new Response();
    });
    const kept = cookie;
    cookie = "";
    await expect(
      callback(request({ origin: "https://idp.example", "sec-fetch-site": "cross-site" })),
    ).rejects.toMatchObject({
      code: "foreign_request",
    });
    await expect(callback(request({ origin: "null", "sec-fetch-site": "cross-site" }))).rejects.toThrow(
      /from another site, .* crossOrigin: \{ exempt: /,
    );
    await expect(callback(request({ origin: "null", "sec-fetch-site": "same-site" }))).rejects.toThrow(
      /another origin of this site/,
    );
    cookie = kept;
    expect((await sessions.load(request())).get("cart")).toEqual(["book"]);
  });

  test("of trusted origins, and exempt ones, are as any other", async () => {
    const sessions = start({
      crossOrigin: { trusted: ["https://evil.example"], exempt: ({ url }) => url.endsWith("/hook") },
    });
    await signIn(sessions);
    expect((await sessions.load(request(EVIL))).subject).toBe("ada");
    const other = { origin: "https://other.example", "sec-fetch-site": "cross-site" };
    expect((await sessions.load(request(other))).subject).toBeUndefined();
    expect((await sessions.load(request(other, "POST", "https://shop.example/hook"))).subject).toBe("ada");
    expect(events).toEqual([{ type: "foreign_request", origin: "https://other.example", site: "cross-site" }]);
  });

  test('are let through with "allow"', async () => {
    const sessions = start({ crossOrigin: "allow" });
    await signIn(sessions);
    expect((await sessions.load(request(EVIL))).subject).toBe("ada");
    expect(events).toEqual([]);
  });

  test("cost the store nothing", async () => {
    const reads: string[] = [];
    const inner = memoryStore();
    const sessions = start({
      store: {
        ...inner,
        read: (key) => {
          reads.push(key);
          return inner.read(key);
        },
      },
    });
    await signIn(sessions);
    await sessions.load(request(EVIL));
    expect(reads).toEqual([]);
  });

  test("leave short headers in the event, whatever somebody writes", async () => {
    const sessions = start();
    await sessions.load(request({ origin: "x".repeat(5_000), "sec-fetch-site": "y".repeat(5_000) }));
    const [event] = events as (SessionEvent & { type: "foreign_request" })[];
    expect([event?.origin?.length, event?.site?.length]).toEqual([300, 300]);
    await sessions.load(request({ "sec-fetch-site": "cross-site" }));
    expect(events[1]).toEqual({ type: "foreign_request", origin: undefined, site: "cross-site" });
  });
});

describe('answer: "refuse"', () => {
  const crossOrigin = { answer: "refuse", trusted: ["https://pay.example"] } as const;

  test("wrap and wrapLazy answer 403 before the handler", async () => {
    const sessions = start({ crossOrigin });
    await signIn(sessions);
    let ran = 0;
    const handler = (): Response => {
      ran++;
      return new Response();
    };
    for (const fetch of [sessions.wrap(handler), sessions.wrapLazy(handler)]) {
      const response = await fetch(request(EVIL));
      expect(response.status).toBe(403);
      expect(response.headers.getSetCookie()).toEqual([]);
      expect(await response.text()).toMatch(/^Forbidden/);
      expect((await fetch(request({ ...EVIL, origin: "https://pay.example" }))).status).toBe(200);
      expect((await fetch(request(EVIL, "GET"))).status).toBe(200);
    }
    expect(ran).toBe(4);
    expect(events).toEqual(
      Array(2).fill({ type: "foreign_request", origin: "https://evil.example", site: "cross-site" }),
    );
  });

  test("load and loadFrom throw, for adapters", async () => {
    const sessions = start({ crossOrigin });
    await expect(sessions.load(request(EVIL))).rejects.toMatchObject({ code: "foreign_request" });
    expect(() => sessions.loadFrom(request(EVIL))).toThrow(expect.objectContaining({ code: "foreign_request" }));
  });

  test("an exempt() that fails is a rejected promise, not an exception and not a pass", async () => {
    const sessions = start({ crossOrigin: { ...crossOrigin, exempt: (async () => true) as never } });
    const handler = () => new Response();
    await expect(sessions.wrap(handler)(request(EVIL))).rejects.toThrow(/at once/);
    await expect(sessions.wrapLazy(handler)(request(EVIL))).rejects.toThrow(/at once/);
  });
});

test.each([[null], [true], ["off"], ["anonymous"]])("crossOrigin: %j is refused at construction", (crossOrigin) => {
  expect(() => createSessions({ crossOrigin: crossOrigin as never })).toThrow(
    /crossOrigin must be an object, or "allow"/,
  );
});
