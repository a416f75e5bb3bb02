import { inspect } from "node:util";
import { expect, test } from "vitest";
import { createSessions, memoryStore, type SessionEvent } from "../../src/index.ts";

/* Events and errors may be logged. What an engine throws may hold the command, and with it the whole session. */

/** As ioredis makes it. */
function replyError(): Error {
  const error = new Error("OOM command not allowed when used memory > 'maxmemory'.");
  error.name = "ReplyError";
  return Object.assign(error, { code: "OOM", command: { name: "set", args: ["key", '{"card":"4111111111111111"}'] } });
}

async function failure() {
  const events: SessionEvent[] = [];
  const cause = replyError();
  const sessions = createSessions<{ card: string }>({
    store: { ...memoryStore(), create: () => Promise.reject(cause) },
    observe: (event) => void events.push(event),
  });
  const session = await sessions.load(new Request("https://example.com/"));
  session.set("card", "4111111111111111");
  const error = await sessions.commit(session).catch((thrown: unknown) => thrown);
  return { event: events[0], error, cause };
}

test("an event shows the name, the message and the code of a store's error, however it is printed", async () => {
  const { event, cause } = await failure();
  const printed = [JSON.stringify(event), inspect(event, { depth: 9 }), JSON.stringify({ ...event })];
  for (const text of printed) {
    expect(text).not.toContain("4111111111111111");
    expect(text).toContain("OOM command not allowed");
  }
  expect(event).toMatchObject({
    type: "store_failed",
    operation: "create",
    code: "store_failed",
    reason: { name: "ReplyError", message: cause.message, code: "OOM" },
  });
  expect((event as { cause: unknown }).cause).toBe(cause);
});

test("an error keeps its cause, and prints its stack and no field of it", async () => {
  const { error, cause } = await failure();
  expect((error as Error).cause).toBe(cause);
  for (const text of [inspect(error, { depth: 9 }), inspect({ nested: [error] }, { depth: 9 }), JSON.stringify(error)])
    expect(text).not.toContain("4111111111111111");
  const printed = inspect(error);
  for (const part of [
    "SessionError: The session store failed",
    "store_failed",
    "503",
    "ReplyError: OOM",
    "(OOM)",
    "at ",
  ])
    expect(printed).toContain(part);
});

test("a store that throws what is no error, and one that is late, are told in the same way", async () => {
  const events: SessionEvent[] = [];
  const thrown: unknown[] = ["text", undefined, null, 42, { toString: undefined }, Object.create(null)];
  for (const reason of thrown) {
    const sessions = createSessions({
      store: { ...memoryStore(), create: () => Promise.reject(reason) },
      observe: (event) => void events.push(event),
    });
    const session = await sessions.load(new Request("https://example.com/"));
    session.set("a", 1);
    const error = await sessions.commit(session).catch((rejected: unknown) => rejected);
    expect(error).toMatchObject({ code: "store_failed" });
    expect(inspect(error)).toContain("store_failed");
  }
  expect(events.map((event) => event.type)).toEqual(thrown.map(() => "store_failed"));
});
