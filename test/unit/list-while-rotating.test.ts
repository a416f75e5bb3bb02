import { expect, test } from "vitest";
import { createSessions, memoryStore, type SessionStore } from "../../src/index.ts";

test("list() has a session that rotates between the look into the index and the look at the session", async () => {
  let now = Date.now();
  const clock = (): number => now;
  const inner = memoryStore({ clock });
  const options = { clock, rotation: { every: 60 } };
  const visitor = createSessions({ ...options, store: inner });
  const signIn = visitor.wrap((_request, session) => {
    session.signIn("anna");
    return new Response();
  });
  const visit = visitor.wrap(() => new Response());
  const cookieOf = (response: Response): string => response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const cookie = cookieOf(await signIn(new Request("https://example.com/")));
  await signIn(new Request("https://example.com/"));

  let rotated = "";
  const store: SessionStore = {
    ...inner,
    async keysOf(subject) {
      const keys = (await inner.keysOf?.(subject)) ?? [];
      if (rotated === "") {
        now += 61_000;
        rotated = cookieOf(await visit(new Request("https://example.com/", { headers: { cookie } })));
      }
      return keys;
    },
  };
  const listed = await createSessions({ ...options, store }).list("anna");
  expect(rotated).not.toBe("");
  expect(listed).toHaveLength(2);
  expect(new Set(listed.map(({ handle }) => handle)).size).toBe(2);
});
