import { inspect } from "node:util";
import { expect, test, vi } from "vitest";
import { createSessions, type Session } from "../../src/index.ts";

/* `req.session.views = 1` is what others' sessions take. Ours would lose it in silence, so it throws. */

async function newSession(): Promise<Session & Record<string, unknown>> {
  return (await createSessions().load(new Request("https://example.com/"))) as Session & Record<string, unknown>;
}

const ASSIGNMENTS: [string, string, RegExp][] = [
  ["a new name", "session.views = 1", /write session\.set\("views", value\)$/],
  ["where there is nothing yet", "session.cart ??= []", /write session\.set\("cart", value\)$/],
  ["a count", "session.views++", /write session\.set\("views", value\)$/],
  ["undefined", "session.cart = undefined", /write session\.delete\("cart"\)$/],
  ["a name with a quote", "session['\"'] = 1", /write session\.set\("\\"", value\)$/],
  ["a symbol", "session[Symbol.iterator] = 1", /Symbol\(Symbol\.iterator\)/],
  ["a number", "session[0] = 1", /write session\.set\("0", value\)$/],
  ["several", "Object.assign(session, { a: 1 })", /write session\.set\("a", value\)$/],
  ["what can only be read", "session.isNew = false", /write session\.set\("isNew", value\)$/],
  ["who is signed in", "session.subject = 'ada'", /write session\.signIn\(subject\) or destroy\(\)$/],
  ["express-session's cookie", "session.cookie = {}", /write session\.persist\(\)/],
  ["a toJSON", "session.toJSON = () => 1", /write session\.set\("toJSON", value\)$/],
  ["what every object has", "session.toString = () => ''", /write session\.set\("toString", value\)$/],
  ["the prototype", "session.__proto__ = null", /write session\.set\("__proto__", value\)$/],
];

test.each(ASSIGNMENTS)("%s throws: %s", async (_, code, message) => {
  const session = await newSession();
  for (const mode of ["", '"use strict";']) {
    const assign = new Function("session", `${mode} ${code}`);
    expect(() => assign(session)).toThrow(TypeError);
    expect(() => assign(session)).toThrow(message);
  }
  expect([session.all(), Object.keys(session)]).toEqual([{}, []]);
});

test("methods cannot be replaced by assignment, and can still be spied on", async () => {
  const session = await newSession();
  expect(() => {
    session.get = () => "other";
  }).toThrow(TypeError);
  const get = vi.spyOn(session, "get");
  session.get("views");
  expect(get).toHaveBeenCalledOnce();
});

test("nothing else is different: reading, asking, awaiting, printing", async () => {
  const session = await newSession();
  expect([session.views, "views" in session, "get" in session]).toEqual([undefined, false, true]);
  expect(session instanceof Object).toBe(true);
  expect(await (async () => session)()).toBe(session);
  expect(JSON.stringify(session)).toBe("{}");
  expect(inspect(session)).toMatch(/^\w* ?\{\}$/);
  expect(String(session)).toBe("[object Object]");
  expect(Object.isExtensible(session)).toBe(true);
  session.set("views", 1);
  expect(session.get("views")).toBe(1);
});
