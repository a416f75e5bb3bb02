// cspell:ignore prerendered unstub
import { afterEach, describe, expect, test, vi } from "vitest";
import { type SvelteKitEvent, sessionHandle } from "../../adapters/sveltekit.ts";
import { createSessions, memoryStore, type Session } from "../../src/index.ts";
import { COOKIE, cookiesOf } from "../support/process.ts";

// What the hook does with each way in which a request can end, with events like those of SvelteKit.

interface Data {
  flash: string;
}

type Locals = { session: Session<Data> };

/** What redirect() and error() throw; both are no Error. */
const redirect = (status: number, location: string) => ({ status, location });
const error = (status: number, message: string) => ({ status, body: { message } });

function setup(options?: { failing?: boolean }) {
  const memory = memoryStore();
  const down = () => Promise.reject(new Error("down"));
  const sessions = createSessions<Data>({ store: options?.failing ? { ...memory, read: down, create: down } : memory });
  const handle = sessionHandle(sessions);
  const request = (token?: string, headers: Record<string, string> = {}) =>
    new Request("https://example.com/", {
      headers: { ...headers, ...(token !== undefined && { cookie: `${COOKIE}=${token}` }) },
    });
  const eventOf = (token?: string, own: { isDataRequest?: boolean; headers?: Record<string, string> } = {}) => {
    const set = new Map<string, string>();
    const event = {
      request: request(token, own.headers),
      locals: {} as Locals,
      isDataRequest: own.isDataRequest ?? false,
      cookies: { set: (name: string, value: string) => void set.set(name, value) },
    };
    return { event, set };
  };
  const flashOf = async (token: string | undefined) => (await sessions.load(request(token))).get("flash");
  return { sessions, memory, handle, eventOf, flashOf };
}

/** SvelteKit does this when the route has answered. */
function refuseCookies(event: SvelteKitEvent<Locals>): void {
  event.cookies.set = () => {
    throw new Error("Cannot use `cookies.set(...)` after the response has been generated");
  };
}

test("the response gets the cookie and is kept by no cache", async () => {
  const { handle, eventOf, flashOf } = setup();
  const { event } = eventOf();
  const response = await handle({
    event,
    resolve: ({ locals }) => {
      locals.session.set("flash", "saved");
      return new Response("page");
    },
  });
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(response.headers.get("vary")).toBe("Cookie");
  expect(await flashOf(cookiesOf(response)[0])).toBe("saved");
});

describe("what a later hook throws", () => {
  const throwing = (thrown: unknown) => ({
    resolve(event: SvelteKitEvent<Locals>): Response {
      event.locals.session.set("flash", "saved");
      refuseCookies(event);
      throw thrown;
    },
  });

  test("a redirect goes on, and its cookie is set as SvelteKit sets cookies, even if the route had answered", async () => {
    const { handle, eventOf, flashOf } = setup();
    const { event, set } = eventOf();
    const thrown = redirect(303, "/login");
    await expect(handle({ event, ...throwing(thrown) })).rejects.toBe(thrown);
    expect([...set.keys()]).toEqual([COOKIE]);
    expect(await flashOf(set.get(COOKIE))).toBe("saved");
  });

  test("an error that needs no new cookie goes on, and what was set is stored", async () => {
    const { sessions, handle, eventOf, flashOf } = setup();
    const begin = sessions.wrap((_request, session) => {
      session.set("flash", "old");
      return new Response();
    });
    const token = cookiesOf(await begin(new Request("https://example.com/")))[0];
    const thrown = error(403, "No");
    await expect(handle({ event: eventOf(token).event, ...throwing(thrown) })).rejects.toBe(thrown);
    expect(await flashOf(token)).toBe("saved");
  });

  test.each([
    ["a page", {}, "text/html; charset=utf-8", /<p>No &#60;b> &#38; no<\/p>/],
    ["data", { isDataRequest: true }, "application/json", /^\{"message":"No <b> & no"\}$/],
    ["JSON", { headers: { accept: "application/json" } }, "application/json", /^\{"message":"No <b> & no"\}$/],
  ])("an error that needs one is answered with it: %s", async (_what, own, type, body) => {
    const { handle, eventOf, flashOf } = setup();
    const response = await handle({ event: eventOf(undefined, own).event, ...throwing(error(403, "No <b> & no")) });
    expect([response.status, response.headers.get("content-type")]).toEqual([403, type]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.text()).toMatch(body);
    expect(await flashOf(cookiesOf(response)[0])).toBe("saved");
  });

  test.each([
    new Error("bug"),
    Object.assign(new Error("of an API"), error(404, "elsewhere")),
    new Response(null, { status: 404 }),
    redirect(200, "/"),
    error(200, "fine"),
    undefined,
    "text",
  ])("anything else goes on and stores nothing: %s", async (thrown) => {
    const { memory, handle, eventOf } = setup();
    const create = vi.spyOn(memory, "create");
    await expect(handle({ event: eventOf().event, ...throwing(thrown) })).rejects.toBe(thrown);
    expect(create).not.toHaveBeenCalled();
  });
});

test("a redirect that a later hook returns for data keeps its cookies, in SvelteKit's own form", async () => {
  const { handle, eventOf, flashOf } = setup();
  const resolve = ({ locals }: SvelteKitEvent<Locals>): Response => {
    locals.session.set("flash", "saved");
    return new Response(null, { status: 307, headers: { location: "/login" } });
  };
  expect((await handle({ event: eventOf().event, resolve })).status).toBe(307);
  const response = await handle({ event: eventOf(undefined, { isDataRequest: true }).event, resolve });
  expect([response.status, await response.json()]).toEqual([
    200,
    { type: "redirect", status: 307, location: "/login" },
  ]);
  expect(response.headers.get("cache-control")).toBe("private, no-store");
  expect(await flashOf(cookiesOf(response)[0])).toBe("saved");
});

test("a store that fails is the error, and nothing else runs", async () => {
  const { handle, eventOf } = setup({ failing: true });
  const resolve = vi.fn();
  await expect(handle({ event: eventOf("A".repeat(43)).event, resolve })).rejects.toMatchObject({
    code: "store_failed",
  });
  expect(resolve).not.toHaveBeenCalled();
});

test("mounted twice it is one session; a second kind has a name and a cookie of its own", async () => {
  const { sessions, handle } = setup();
  const staff = createSessions<{ role: string }>({ cookie: { name: "__Host-staff" } });
  const staffHandle = sessionHandle(staff, { as: "staff" });
  const event = {
    request: new Request("https://example.com/"),
    locals: {} as Locals & { staff: Session<{ role: string }> },
    isDataRequest: false,
    cookies: { set: () => {} },
  };
  const seen = new Set<unknown>();
  const response = await handle({
    event,
    resolve: (outer) => {
      seen.add(outer.locals.session);
      return sessionHandle(sessions)({
        event: outer,
        resolve: (inner) =>
          staffHandle({
            event: inner,
            resolve: ({ locals }) => {
              seen.add(locals.session);
              locals.session.set("flash", "saved");
              locals.staff.set("role", "support");
              return new Response("");
            },
          }),
      });
    },
  });
  expect(seen.size).toBe(1);
  expect(response.headers.getSetCookie().map((line) => line.split("=")[0])).toEqual(["__Host-staff", COOKIE]);
});

describe("while the application is built", () => {
  afterEach(() => vi.unstubAllEnvs());

  test("the session is empty, and a change of it says what to write; nothing is stored", async () => {
    vi.stubEnv("SVELTEKIT_FORK", "true");
    const { memory, handle, eventOf } = setup();
    const create = vi.spyOn(memory, "create");
    const response = await handle({
      event: eventOf().event,
      resolve: ({ locals: { session } }) => {
        expect([session.subject, session.isNew, session.get("flash"), session.take("flash"), session.all()]).toEqual([
          undefined,
          true,
          undefined,
          undefined,
          {},
        ]);
        for (const change of [() => session.set("flash", "lost"), () => session.signIn("ada"), () => session.destroy()])
          expect(change).toThrow(/prerendered.*`building` of \$app\/environment/);
        return new Response("page");
      },
    });
    expect([...response.headers.keys()]).toEqual(["content-type"]);
    expect(create).not.toHaveBeenCalled();
  });
});

test("what is no manager of sessions and no name is refused at once", () => {
  expect(() => sessionHandle(undefined as never)).toThrow(/createSessions/);
  expect(() => sessionHandle({} as never)).toThrow(TypeError);
  expect(() => sessionHandle(createSessions(), { as: "" })).toThrow(/as must be/);
  expect(() => sessionHandle(createSessions(), { as: 1 as never })).toThrow(TypeError);
});
