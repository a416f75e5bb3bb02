import { afterEach, expect, test, vi } from "vitest";
import { memoryStore, type SessionStore } from "../../src/index.ts";
import { startProcess, startSession } from "../support/process.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("no wait is for a timer that a test runner faked before the library was loaded", async () => {
  vi.useFakeTimers();
  vi.resetModules();
  const { wait } = await import("../../src/platform/pause.ts");
  await wait(8);
  expect(vi.getTimerCount()).toBe(0);
});

test("a commit that others are ahead of many times waits for no timer that a test runner fakes", async () => {
  const inner = memoryStore();
  let refusals = 0;
  const store: SessionStore = {
    ...inner,
    update: (...args) => (refusals-- > 0 ? undefined : inner.update(...args)),
  };
  const server = startProcess(store);
  const token = await startSession(server, { count: 1 });
  vi.useFakeTimers();
  refusals = 8;
  await server.request(token, (session) => session.update("count", (count = 0) => count + 1));
  expect(server.events.filter(({ type }) => type === "conflict_retried")).toHaveLength(8);
  expect((await server.request(token)).saw).toEqual({ count: 2 });
});
