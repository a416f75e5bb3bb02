import { describe, expect, test } from "vitest";
import {
  addSessionHeaders,
  createSessions,
  memoryStore,
  type SessionEvent,
  type SessionsOptions,
  withSessionHeaders,
} from "../../src/index.ts";
import { generateKey, sealedCookies } from "../../src/sealed.ts";

/*
 * Frameworks answer before they render. Where a live session was loaded, a response that says nothing about caching is
 * kept out of caches, read or not; one that says how it is cached is the handler's decision, and reading the session
 * after it has left is told by an event.
 */

interface Data {
  name: string;
}

const PUBLIC = { "cache-control": "public, max-age=600" };

function of(headers: Headers): unknown[] {
  return [headers.get("vary"), headers.get("cache-control")];
}

const kinds: [string, () => SessionsOptions][] = [
  ["in a store", () => ({ store: memoryStore() })],
  ["sealed in the cookie", () => ({ store: sealedCookies({ keys: [generateKey()] }) })],
];

describe.each(kinds)("sessions %s", (_, options) => {
  async function setup() {
    const events: SessionEvent[] = [];
    const sessions = createSessions<Data>({ ...options(), observe: (event) => void events.push(event) });
    const begin = sessions.wrap((_request, session) => {
      session.set("name", "ada");
      return new Response();
    });
    const lines = (await begin(new Request("https://example.com/"))).headers.getSetCookie();
    const cookie = lines.map((line) => line.split(";")[0]).join("; ");
    const visitor = () => new Request("https://example.com/");
    const user = () => new Request("https://example.com/", { headers: { cookie } });
    const late = () => events.filter(({ type }) => type === "read_after_response");
    return { sessions, visitor, user, late };
  }

  test("nobody looked at a live session: both headers, unless the response says how it is cached", async () => {
    const { sessions, user } = await setup();
    const answer = async (headers: Record<string, string>) =>
      of((await sessions.wrap(() => new Response("", { headers }))(user())).headers);
    expect(await answer({})).toEqual(["Cookie", "no-store"]);
    expect(await answer({ vary: "Origin" })).toEqual(["Origin, Cookie", "no-store"]);
    expect(await answer(PUBLIC)).toEqual([null, "public, max-age=600"]);
    expect(await answer({ expires: "0" })).toEqual([null, null]);
    expect(await answer({ "cdn-cache-control": "max-age=60" })).toEqual([null, null]);
    expect(await answer({ "surrogate-control": "max-age=60" })).toEqual([null, null]);
  });

  test("commit and commitTo follow the same rule", async () => {
    const { sessions, user } = await setup();
    const headers = async () => sessions.commit(await sessions.load(user()));
    expect(of(await headers())).toEqual(["Cookie", "no-store"]);
    const [silent, spoken] = [new Headers(), new Headers(PUBLIC)];
    addSessionHeaders(silent, await headers());
    addSessionHeaders(spoken, await headers());
    expect([of(silent), of(spoken)]).toEqual([
      ["Cookie", "no-store"],
      [null, "public, max-age=600"],
    ]);
    const response = new Response("", { headers: PUBLIC });
    expect(withSessionHeaders(response, await headers())).toBe(response);
    expect(of(response.headers)).toEqual([null, "public, max-age=600"]);
    const target = new Headers(PUBLIC);
    await sessions.commitTo(await sessions.load(user()), target);
    expect(of(target)).toEqual([null, "public, max-age=600"]);
  });

  test("visitors without a session, and lazy sessions that nobody opened, change nothing", async () => {
    const { sessions, visitor, user } = await setup();
    expect([...(await sessions.wrap(() => new Response())(visitor())).headers]).toEqual([]);
    expect([...(await sessions.wrapLazy(() => new Response())(user())).headers]).toEqual([]);
    expect([...(await sessions.commit(await sessions.load(visitor())))]).toEqual([]);
  });

  test("a lazy session that was opened is as any other", async () => {
    const { sessions, user } = await setup();
    const fetch = sessions.wrapLazy(async (_request, open) => {
      await open();
      return new Response();
    });
    expect(of((await fetch(user())).headers)).toEqual(["Cookie", "no-store"]);
  });

  test("read after a response that caches may keep: an event, once", async () => {
    const { sessions, user, late } = await setup();
    const streaming = sessions.wrap((_request, session) => {
      const pull = (controller: ReadableStreamDefaultController) => {
        controller.enqueue(new TextEncoder().encode(`${session.get("name")} ${session.get("name")}`));
        controller.close();
      };
      return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), { headers: PUBLIC });
    });
    const response = await streaming(user());
    expect(late()).toEqual([]);
    expect(await response.text()).toBe("ada ada");
    expect(late()).toHaveLength(1);
  });

  test("with load and commit as well", async () => {
    const { sessions, user, late } = await setup();
    const session = await sessions.load(user());
    addSessionHeaders(new Headers(PUBLIC), await sessions.commit(session));
    expect(late()).toEqual([]);
    void session.subject;
    expect(late()).toHaveLength(1);
  });

  test("a response that no shared cache keeps, one that said it depends on the session, and visitors cause none", async () => {
    const { sessions, visitor, user, late } = await setup();
    const readLate = async (headers: Record<string, string>, request: Request, early = false) => {
      let name: () => unknown = () => {};
      const fetch = sessions.wrap((_request, session) => {
        name = () => session.get("name");
        if (early) name();
        return new Response("", { headers });
      });
      await fetch(request);
      name();
    };
    await readLate({}, user());
    await readLate({ "cache-control": "private, max-age=60" }, user());
    await readLate({ "cache-control": "no-store" }, user());
    await readLate(PUBLIC, user(), true);
    await readLate(PUBLIC, visitor());
    expect(late()).toEqual([]);
  });

  test("a lazy session opened only after the response can be read, not changed, and is told where caches may keep that", async () => {
    const { sessions, user, visitor, late } = await setup();
    let opening: (() => Promise<unknown>) | undefined;
    const fetch = (headers: Record<string, string>, request: Request) =>
      sessions.wrapLazy((_request, open) => {
        opening = async () => {
          const session = await open();
          expect(await open()).toBe(session);
          expect(() => session.set("name", "late")).toThrow(expect.objectContaining({ code: "session_committed" }));
          return session.get("name");
        };
        return new Response("", { headers });
      })(request);
    await fetch({ "cache-control": "no-store" }, user());
    expect(await opening?.()).toBe("ada");
    await fetch({}, visitor());
    expect(await opening?.()).toBeUndefined();
    expect(late()).toEqual([]);
    await fetch({}, user());
    expect(await opening?.()).toBe("ada");
    await fetch(PUBLIC, user());
    expect(await opening?.()).toBe("ada");
    expect(late()).toHaveLength(2);
    expect((await sessions.load(user())).get("name")).toBe("ada");
  });
});

describe("Cache-Control for certain caches (RFC 9213)", () => {
  const names = ["CDN-Cache-Control", "Surrogate-Control", "Vercel-CDN-Cache-Control", "Cloudflare-CDN-Cache-Control"];

  test.each(names)("%s does not let a shared cache keep a Set-Cookie of ours", async (name) => {
    const sessions = createSessions<Data>();
    const begin = (value: string) =>
      sessions.wrap((_request, session) => {
        session.set("name", "ada");
        return new Response("", { headers: { [name]: value, ...PUBLIC } });
      })(new Request("https://example.com/"));
    const { headers } = await begin("public, max-age=600");
    expect([headers.get(name), headers.get("cache-control")]).toEqual(["no-store", "max-age=600, private"]);
    expect((await begin("private")).headers.get(name)).toBe("private");
  });

  test.each(names)("%s of a handler that read the session is its own decision, as Cache-Control is", async (name) => {
    const sessions = createSessions<Data>();
    const read = sessions.wrap((_request, session) => {
      return new Response(session.get("name"), { headers: { [name]: "max-age=600" } });
    });
    const { headers } = await read(new Request("https://example.com/"));
    expect([headers.get(name), ...of(headers)]).toEqual(["max-age=600", "Cookie", "no-store"]);
  });
});

describe("a lazy session", () => {
  test("an open that fails before anybody awaits it is no unhandled rejection, and its error is there later", async () => {
    const unhandled: unknown[] = [];
    const listen = (error: unknown) => void unhandled.push(error);
    const throws = () => {
      throw new Error("down");
    };
    process.on("unhandledRejection", listen);
    try {
      for (const fail of [throws, () => Promise.reject(new Error("down"))]) {
        const sessions = createSessions({ store: { ...memoryStore(), read: fail } });
        const fetch = sessions.wrapLazy(async (_request, open) => {
          const opening = open();
          for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
          return opening.then(
            () => new Response("session"),
            (error) => new Response(error.code),
          );
        });
        const cookie = `__Host-Http-session=${"A".repeat(43)}`;
        const response = await fetch(new Request("https://example.com/", { headers: { cookie } }));
        expect(await response.text()).toBe("store_failed");
      }
      await new Promise(setImmediate);
      expect(unhandled).toEqual([]);
    } finally {
      process.off("unhandledRejection", listen);
    }
  });

  test("belongs to a request that came when it was called, not when it was opened", async () => {
    let now = Date.now();
    const sessions = createSessions<Data>({ clock: () => now, lifetime: { idle: 60, absolute: 60, touchEvery: 1 } });
    const begin = sessions.wrap((_request, session) => {
      session.set("name", "ada");
      return new Response();
    });
    const cookie = (await begin(new Request("https://example.com/"))).headers
      .getSetCookie()[0]
      ?.split(";")[0] as string;
    const user = () => new Request("https://example.com/", { headers: { cookie } });
    const fetch = sessions.wrapLazy(async (_request, open) => {
      now += 2_000;
      return new Response((await open()).get("name"));
    });
    now += 28_000;
    await fetch(user());
    now += 29_000;
    expect(await (await fetch(user())).text()).toBe("ada");
  });
});
