import { randomBytes } from "node:crypto";
import { createSessions, type Session, type SessionStore } from "@sojourn/session";
import { afterAll, describe, expect, test } from "vitest";
import { describeWith } from "../services.ts";
import { cloudflareEngines } from "./matrix/cloudflare.ts";
import { type FaultName, faultNames } from "./matrix/engine.ts";
import { fileEngines } from "./matrix/files.ts";
import { serverEngines } from "./matrix/servers.ts";

/*
 * Every store on an engine that can fail, and what a bad day does to it: one request that reads, one that writes and one
 * that signs out, while it lasts; and what is there when it is over. The table at the end says what each request got.
 * "full" is the engine's own limit, or its error where that takes hours to reach; "disk full" is a disk without room.
 */

const engines = [...(await serverEngines()), ...(await fileEngines()), ...cloudflareEngines()];

const table: Record<string, Record<string, string>> = {};
afterAll(() => {
  const rows = engines.flatMap(({ name }) =>
    faultNames.map((fault) => `${name.padEnd(26)} ${fault.padEnd(10)} ${table[name]?.[fault] ?? "not run"}`),
  );
  const head = `${"engine".padEnd(26)} ${"fault".padEnd(10)} read, write, sign-out; lost`;
  console.log([head, ...rows].join("\n"));
});

for (const { name, needs, open, without, expected } of engines) {
  describeWith(needs, name, () => {
    for (const fault of faultNames) {
      const reason = without[fault];
      if (reason !== undefined) {
        noteCell(name, fault, `– (${reason})`);
        continue;
      }
      test(`${fault}: no acknowledged change is lost, no ended session comes back, nobody is signed out`, async () => {
        const { store, begin, close } = await open(fault);
        try {
          const { got, lost } = await goThrough(store, () => begin(fault));
          noteCell(name, fault, `${got.join(", ")}; ${lost.length === 0 ? "nothing" : lost.join(", ")}`);
          expect(lost).toEqual([]);
          for (const outcome of got) expect(outcome).toMatch(/^200$|^store_(failed|timeout)$/);
          expect(got).toEqual(expected?.[fault] ?? got);
        } finally {
          await close();
        }
      }, 60_000);
    }
  });
}

describe("the table", () => {
  test("has a cell for each fault of each engine that is here", () => {
    for (const cells of Object.values(table)) expect(Object.keys(cells).sort()).toEqual([...faultNames].sort());
  });
});

function noteCell(engine: string, fault: FaultName, text: string): void {
  table[engine] = { ...table[engine], [fault]: text };
}

interface Data {
  n: number;
  text: string;
}

/** One user with a session that counts and one that signs out, before, during and after a fault. */
async function goThrough(
  store: SessionStore,
  begin: () => Promise<() => unknown>,
): Promise<{ got: string[]; lost: string[] }> {
  const sessions = createSessions<Data>({ store, storeTimeout: 1_000 });
  async function visit(
    cookie: string,
    use: (session: Session<Data>) => void,
  ): Promise<{ outcome: string; cookie: string }> {
    const handle = sessions.wrap((_request, session) => {
      use(session);
      return new Response();
    });
    try {
      const response = await handle(new Request("https://example.com/", { headers: { cookie } }));
      return { outcome: String(response.status), cookie: response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie };
    } catch (error) {
      return { outcome: String((error as { code?: unknown }).code), cookie };
    }
  }
  const count = (session: Session<Data>): void => {
    session.update("n", (n = 0) => n + 1);
    // Takes room, also of an engine that compresses.
    session.set("text", randomBytes(12_000).toString("base64"));
  };
  const signIn = (session: Session<Data>): void => {
    session.signIn("anna");
    session.set("n", 1);
  };
  const [counting, leaving] = [await visit("", signIn), await visit("", signIn)];
  expect([counting.outcome, leaving.outcome]).toEqual(["200", "200"]);

  const end = await begin();
  const read = await visit(counting.cookie, (session) => void session.get("n"));
  const written = await visit(counting.cookie, count);
  const signedOut = await visit(leaving.cookie, (session) => session.destroy());
  await end();

  // When the engine is well again
  let seen: Partial<Data> & { subject?: string | undefined } = {};
  const look = (cookie: string): Promise<{ outcome: string }> =>
    visit(cookie, (session) => {
      seen = { ...session.all(), subject: session.subject };
    });
  await expect.poll(async () => (await look(counting.cookie)).outcome, { timeout: 20_000 }).toBe("200");
  const lost: string[] = [];
  if (seen.subject !== "anna") lost.push("the session");
  const [least, most] = written.outcome === "200" ? [2, 2] : [1, 2];
  if (!(Number(seen.n) >= least && Number(seen.n) <= most)) lost.push(`a change: ${seen.n}`);
  if (counting.cookie !== written.cookie || counting.cookie !== read.cookie) lost.push("the cookie");
  expect((await look(leaving.cookie)).outcome).toBe("200");
  if (signedOut.outcome === "200" && seen.subject !== undefined) lost.push("a sign-out");
  // And it goes on
  await expect.poll(async () => (await visit(counting.cookie, count)).outcome, { timeout: 20_000 }).toBe("200");
  return { got: [read.outcome, written.outcome, signedOut.outcome], lost };
}
