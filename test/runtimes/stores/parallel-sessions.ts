/**
 * The promises that need a store with compare-and-set, kept by sessions on the real engine: for any runtime, with any
 * strong store.
 */
import { createSessions, type Session, type Sessions } from "../../../src/index.ts";
import type { MakeStore } from "../../../src/testing.ts";
import { equal, type MoreTests } from "./store-tests.ts";

interface Data {
  n: number;
  late: string;
}

interface Managers {
  readonly managers: readonly [Sessions<Data>, Sessions<Data>];
  /** Sends a request to a manager, and returns the cookie that the browser then has. */
  request(manager: 0 | 1, cookie: string | undefined, use: (session: Session<Data>) => unknown): Promise<string>;
}

export function parallelSessions(name: string, makeStore: MakeStore): MoreTests {
  const tests: Record<string, (tools: Managers) => Promise<void>> = {
    "forty parallel requests through two managers that add one each add forty": async ({ request }) => {
      const cookie = await request(0, undefined, addOne);
      await Promise.all(Array.from({ length: 40 }, (_, i) => request(i % 2 === 0 ? 0 : 1, cookie, addOne)));
      await request(1, cookie, (session) => equal(session.get("n"), 41, "an update was lost"));
    },
    "what a request writes after the logout of another one is gone": async ({ request }) => {
      const cookie = await request(0, undefined, addOne);
      await request(0, cookie, async (session) => {
        await request(1, cookie, (other) => other.destroy());
        session.set("late", "must not come back");
      });
      await request(0, cookie, (session) => equal(session.all(), {}, "a destroyed session came back"));
    },
    "all sessions of a subject are listed, and ended by revokeAll()": async ({
      request,
      managers: [first, second],
    }) => {
      const cookies = await Promise.all(
        ([0, 1, 0] as const).map((at) => request(at, undefined, (session) => session.signIn("anna/ä"))),
      );
      equal((await second.list("anna/ä")).length, 3, "not every session is listed");
      equal(await first.revokeAll("anna/ä"), 3, "not every session was ended");
      equal(await second.list("anna/ä"), [], "an ended session is listed");
      for (const cookie of cookies) {
        await request(1, cookie, (session) => equal(session.subject ?? null, null, "an ended session is signed in"));
      }
    },
  };
  return Object.fromEntries(
    Object.entries(tests).map(([promise, run]) => [
      `${name}: ${promise}`,
      async () => {
        const made = await makeStore({ clock: Date.now });
        const { store, dispose } = "store" in made ? made : { store: made, dispose: undefined };
        // Two managers on one engine stand for two processes: each has a queue of its own.
        const manager = (): Sessions<Data> => createSessions<Data>({ store, storeTimeout: 20_000 });
        try {
          await run(requestsTo([manager(), manager()]));
        } finally {
          await dispose?.call(made);
        }
      },
    ]),
  );
}

function requestsTo(managers: readonly [Sessions<Data>, Sessions<Data>]): Managers {
  return {
    managers,
    async request(manager, cookie, use) {
      const fetch = managers[manager].wrap(async (_request, session) => {
        await use(session);
        return new Response();
      });
      const response = await fetch(
        new Request("https://example.com/", { headers: cookie === undefined ? {} : { cookie } }),
      );
      return response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie ?? "";
    },
  };
}

function addOne(session: Session<Data>): void {
  session.update("n", (n = 0) => n + 1);
}
