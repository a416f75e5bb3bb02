// cspell:ignore prerendered
import { expect, test, vi } from "vitest";
import { type AstroContext, sessionMiddleware } from "../../adapters/astro.ts";
import { createSessions, memoryStore, type RotationOptions, type Session } from "../../src/index.ts";
import { generateKey, sealedCookies } from "../../src/sealed.ts";
import { COOKIE, cookiesOf } from "../support/process.ts";

// What the middleware does with each way in which Astro runs it, with contexts like those of Astro.

interface Data {
  flash: string;
}

type Locals = { session: Session<Data> };

const kinds = ["in a store", "sealed"] as const;

function setup(options: { kind?: (typeof kinds)[number]; clock?: () => number; rotation?: RotationOptions } = {}) {
  const { kind, clock = Date.now, rotation = {} } = options;
  const memory = memoryStore({ clock });
  const sessions =
    kind === "sealed"
      ? createSessions<Data>({ store: sealedCookies({ keys: [generateKey()] }) })
      : createSessions<Data>({ store: memory, clock, rotation });
  const onRequest = sessionMiddleware(sessions);
  const request = (token?: string, init: RequestInit = {}) =>
    new Request("https://example.com/", {
      ...init,
      headers: { ...init.headers, ...(token !== undefined && { cookie: `${COOKIE}=${token}` }) },
    });
  const contextOf = (token?: string, init?: RequestInit): AstroContext<Locals> => ({
    request: request(token, init),
    locals: {} as Locals,
    isPrerendered: false,
  });
  /** A visitor's token, with a session that was stored by an earlier request. */
  const begin = async (change: (session: Session<Data>) => void) => {
    const context = contextOf();
    const response = await onRequest(context, async () => {
      change(context.locals.session);
      return new Response();
    });
    return cookiesOf(response)[0] ?? "";
  };
  const load = (token: string | undefined) => sessions.load(request(token));
  return { sessions, memory, onRequest, contextOf, begin, load };
}

test("the response gets the cookie and is kept by no cache", async () => {
  const { onRequest, contextOf, load } = setup();
  const context = contextOf();
  const response = await onRequest(context, async () => {
    context.locals.session.set("flash", "saved");
    return new Response("page");
  });
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(response.headers.get("vary")).toBe("Cookie");
  expect((await load(cookiesOf(response)[0])).get("flash")).toBe("saved");
});

test("a page that reads while it streams has said before that no cache may keep it", async () => {
  const { onRequest, contextOf, begin } = setup();
  const context = contextOf(await begin((session) => session.set("flash", "saved")));
  const response = await onRequest(context, async () => {
    const body = new ReadableStream(
      {
        pull(controller) {
          controller.enqueue(new TextEncoder().encode(context.locals.session.get("flash")));
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(body);
  });
  expect([response.headers.get("cache-control"), response.headers.get("vary")]).toEqual(["no-store", "Cookie"]);
  expect(await response.text()).toBe("saved");
});

test("a redirect whose headers are immutable carries the cookie", async () => {
  const { onRequest, contextOf, load } = setup();
  const context = contextOf();
  const response = await onRequest(context, async () => {
    context.locals.session.set("flash", "saved");
    return Response.redirect("https://example.com/next", 303);
  });
  expect([response.status, response.headers.get("location")]).toEqual([303, "https://example.com/next"]);
  expect((await load(cookiesOf(response)[0])).get("flash")).toBe("saved");
});

test("a page that throws stores nothing, and the error goes on; the error page has a session of its own", async () => {
  const { memory, onRequest, contextOf } = setup();
  const create = vi.spyOn(memory, "create");
  const context = contextOf();
  const bug = new Error("bug");
  const page = onRequest(context, async () => {
    context.locals.session.set("flash", "lost");
    throw bug;
  });
  await expect(page).rejects.toBe(bug);
  expect(create).not.toHaveBeenCalled();
  const response = await onRequest(context, async () => {
    expect(context.locals.session.get("flash")).toBeUndefined();
    context.locals.session.set("flash", "kept");
    return new Response("error", { status: 500 });
  });
  expect(create).toHaveBeenCalledOnce();
  expect(cookiesOf(response)).toHaveLength(1);
});

test("a rewrite from a page, whose request is a copy, has the session of that page, committed once", async () => {
  const { memory, onRequest, contextOf, load } = setup();
  const create = vi.spyOn(memory, "create");
  const outer = contextOf();
  const response = await onRequest(outer, async () => {
    const { session } = outer.locals;
    session.set("flash", "before");
    const inner = { ...outer, request: new Request("https://example.com/other", outer.request) };
    const rewritten = await onRequest(inner, async () => {
      expect(inner.locals.session).toBe(session);
      session.update("flash", (text) => `${text}, after`);
      return new Response("other");
    });
    expect(rewritten.headers.getSetCookie()).toEqual([]);
    return rewritten;
  });
  expect(create).toHaveBeenCalledOnce();
  expect((await load(cookiesOf(response)[0])).get("flash")).toBe("before, after");
});

/** Astro renders its error page where a page answered with a status alone: all again, with the same locals. */
function errorPage(context: AstroContext<Locals>): AstroContext<Locals> {
  return { ...context, request: new Request(context.request.url, context.request) };
}

test("an error page sees and can change what was begun before it: one session and its cookie", async () => {
  const { memory, onRequest, contextOf, load } = setup();
  const create = vi.spyOn(memory, "create");
  const first = contextOf();
  const empty = await onRequest(first, async () => {
    first.locals.session.set("flash", "Not there");
    return new Response(null, { status: 404 });
  });
  const second = errorPage(first);
  const page = await onRequest(second, async () => {
    expect(second.locals.session.take("flash")).toBe("Not there");
    return new Response("error", { status: 404 });
  });
  expect(create).toHaveBeenCalledOnce();
  const last = [...cookiesOf(empty), ...cookiesOf(page)].at(-1);
  const stored = await load(last);
  expect([stored.isNew, stored.all()]).toEqual([false, {}]);
});

test.each(kinds)("an error page after a sign-in has the new session: %s", async (kind) => {
  const { onRequest, contextOf, begin, load } = setup({ kind });
  const first = contextOf(await begin((session) => session.signIn("ada")));
  const empty = await onRequest(first, async () => {
    first.locals.session.signIn("bob");
    return new Response(null, { status: 404 });
  });
  const second = errorPage(first);
  const page = await onRequest(second, async () => {
    expect(second.locals.session.subject).toBe("bob");
    return new Response("error", { status: 404 });
  });
  const last = [...cookiesOf(empty), ...cookiesOf(page)].at(-1);
  expect((await load(last)).subject).toBe("bob");
});

test.each(kinds)("an error page after a sign-out has nobody: %s", async (kind) => {
  const { onRequest, contextOf, begin } = setup({ kind });
  const first = contextOf(await begin((session) => session.signIn("ada")));
  await onRequest(first, async () => {
    first.locals.session.destroy();
    return new Response(null, { status: 404 });
  });
  const second = errorPage(first);
  const page = await onRequest(second, async () => {
    expect(second.locals.session.subject).toBeUndefined();
    return new Response("error", { status: 404 });
  });
  expect(cookiesOf(page).filter((value) => value !== "")).toEqual([]);
});

test("an error page does not confirm a rotation whose cookie no browser has yet", async () => {
  let now = Date.parse("2026-01-01");
  const { onRequest, contextOf, begin, load } = setup({ clock: () => now, rotation: { every: 60, grace: 30 } });
  const old = await begin((session) => session.set("flash", "saved"));
  now += 61_000;
  const first = contextOf(old);
  const empty = await onRequest(first, async () => new Response(null, { status: 404 }));
  expect(cookiesOf(empty)).toHaveLength(1);
  const second = errorPage(first);
  await onRequest(second, async () => {
    expect(second.locals.session.get("flash")).toBe("saved");
    return new Response("error", { status: 404 });
  });
  now += 100_000;
  // Both answers were lost: past the grace the old cookie still opens the session
  expect((await load(old)).get("flash")).toBe("saved");
});

test("an error page of a form from elsewhere is foreign as well", async () => {
  const { onRequest, contextOf } = setup();
  const first = contextOf(undefined, { method: "POST", headers: { origin: "https://evil.example" } });
  for (const context of [first, errorPage(first)])
    await onRequest(context, async () => {
      expect(() => context.locals.session.set("flash", "theirs")).toThrow(/comes from https/);
      return new Response(null, { status: 404, headers: { "set-cookie": "theme=dark; Path=/" } });
    });
});

test("a prerendered page has an empty session, and a change of it says what to write; nothing is stored", async () => {
  const { memory, onRequest, contextOf } = setup();
  const create = vi.spyOn(memory, "create");
  const context = { ...contextOf(), isPrerendered: true };
  const response = await onRequest(context, async () => {
    const { session } = context.locals;
    expect([session.subject, session.get("flash"), session.take("flash")]).toEqual([undefined, undefined, undefined]);
    for (const change of [() => session.set("flash", "lost"), () => session.signIn("ada"), () => session.destroy()])
      expect(change).toThrow(/prerendered.*`const prerender = false`/);
    return new Response("page");
  });
  expect([...response.headers.keys()]).toEqual(["content-type"]);
  expect(create).not.toHaveBeenCalled();
});

test("mounted twice it is one session; a second kind has a name and a cookie of its own", async () => {
  const { sessions, onRequest } = setup();
  const staff = createSessions<{ role: string }>({ cookie: { name: "__Host-staff" } });
  const staffMiddleware = sessionMiddleware(staff, { as: "staff" });
  const context = {
    request: new Request("https://example.com/"),
    locals: {} as Locals & { staff: Session<{ role: string }> },
    isPrerendered: false,
  };
  const seen = new Set<unknown>();
  const response = await onRequest(context, () => {
    seen.add(context.locals.session);
    return sessionMiddleware(sessions)(context, () =>
      staffMiddleware(context, async () => {
        seen.add(context.locals.session);
        context.locals.session.set("flash", "saved");
        context.locals.staff.set("role", "support");
        return new Response("");
      }),
    );
  });
  expect(seen.size).toBe(1);
  expect(response.headers.getSetCookie().map((line) => line.split("=")[0])).toEqual(["__Host-staff", COOKIE]);
});

test("what is no manager of sessions and no name is refused at once", () => {
  expect(() => sessionMiddleware(undefined as never)).toThrow(/createSessions/);
  expect(() => sessionMiddleware({} as never)).toThrow(TypeError);
  expect(() => sessionMiddleware(createSessions(), { as: "" })).toThrow(/as must be/);
  expect(() => sessionMiddleware(createSessions(), { as: 1 as never })).toThrow(TypeError);
});
