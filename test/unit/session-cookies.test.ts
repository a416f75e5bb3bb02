import { expect, test } from "vitest";
import { createSessions, type SessionsOptions, sessionCookies } from "../../src/index.ts";

const clock = () => Date.UTC(2030, 0, 1);

async function cookiesAfter(options: SessionsOptions, act: "begin" | "persist" | "destroy" = "begin") {
  const sessions = createSessions({ clock, ...options });
  const begin = await sessions.load({ url: "https://example.com/", headers: new Headers() });
  begin.set("a", 1);
  if (act === "persist") begin.persist();
  const headers = await sessions.commit(begin);
  if (act !== "destroy") return sessionCookies(headers);
  const cookie = headers.getSetCookie()[0]?.split(";")[0] as string;
  const session = await sessions.load({ url: "https://example.com/", headers: new Headers({ cookie }) });
  session.destroy();
  return sessionCookies(await sessions.commit(session));
}

const value = expect.stringMatching(/^[\w-]{43}$/);
const base = { value, path: "/", httpOnly: true, secure: true, sameSite: "lax" };

test("a cookie that ends with the browser has no lifetime", async () => {
  expect(await cookiesAfter({})).toEqual([{ name: "__Host-Http-session", ...base }]);
});

test("every attribute is a field, in the form that frameworks take", async () => {
  const cookie = {
    domain: "example.com",
    path: "/app",
    sameSite: "none",
    partitioned: true,
    priority: "high",
  } as const;
  expect(await cookiesAfter({ cookie, lifetime: { idle: 60, absolute: 3600 } }, "persist")).toEqual([
    {
      name: "__Secure-session",
      ...base,
      ...cookie,
      maxAge: 3600,
      expires: new Date(Date.UTC(2030, 0, 1, 1)),
    },
  ]);
});

test("a removal has an empty value and a lifetime of 0", async () => {
  expect(await cookiesAfter({}, "destroy")).toEqual([
    { name: "__Host-Http-session", ...base, value: "", maxAge: 0, expires: new Date(0) },
  ]);
});

test("no cookies, no fields; a value may hold an equals sign", () => {
  expect(sessionCookies(new Headers({ vary: "Cookie" }))).toEqual([]);
  expect(sessionCookies({ getSetCookie: () => ["a=b=c; Path=/x"] })).toEqual([
    { name: "a", value: "b=c", path: "/x", httpOnly: false, secure: false, sameSite: "lax" },
  ]);
});
