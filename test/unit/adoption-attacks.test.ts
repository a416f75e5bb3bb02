import { describe, expect, test } from "vitest";
import {
  createSessions,
  memoryStore,
  type SessionEvent,
  type SessionStore,
  type SessionsOptions,
} from "../../src/index.ts";
import { migrationSource, type SourceDefinition } from "../../src/migrate.ts";
import { generateKey, sealedCookies } from "../../src/sealed.ts";
import { COOKIE } from "../support/process.ts";

/*
 * What somebody tries who holds an old cookie, plants one, or has one left over.
 */

interface Row {
  readonly user?: string;
  readonly createdAt?: number;
}

const START = 1_800_000_000_000;

/** Old cookies, each the session itself or the key of one, on a server of ours. */
function moved(more: Partial<SourceDefinition<Row>> = {}, options: Omit<SessionsOptions, "migrateFrom"> = {}) {
  const rows = new Map<string, Row>(["ada", "eve"].map((user) => [`of ${user}`, { user }]));
  rows.set("nobody's", {});
  const ended: string[] = [];
  const events: SessionEvent[] = [];
  const clock = { now: START };
  const source = migrationSource<Row>({
    name: "old",
    cookies: ["old"],
    read: ({ old = "" }) => ({
      proof: decodeURIComponent(old),
      load: () => {
        const data = rows.get(decodeURIComponent(old));
        return data && { data, createdAt: data.createdAt };
      },
    }),
    adopt: ({ user }) => ({ subject: user, data: { from: "there" } }),
    end: (proof) => void ended.push(proof),
    ...more,
  });
  const sessions = createSessions<{ from: string }>({
    store: memoryStore({ clock: () => clock.now }),
    clock: () => clock.now,
    ...options,
    migrateFrom: [source],
    observe: (event) => events.push(event),
  });
  const fetch = sessions.wrap((request, session) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/logout") session.destroy();
    if (pathname === "/sign-out") session.signOut();
    if (pathname.startsWith("/login/")) session.signIn(pathname.slice(7));
    return Response.json({ user: session.subject, from: session.get("from") });
  });
  async function visit(path: string, ...cookies: (string | undefined)[]) {
    const headers = { cookie: cookies.filter(Boolean).join("; ") };
    const response = await fetch(new Request(`https://example.com${path}`, { headers }));
    const lines = response.headers.getSetCookie();
    const ours = lines.find((line) => line.startsWith(`${COOKIE}=`) && !line.includes("Max-Age=0"))?.split(";", 1)[0];
    const { user, from } = (await response.json()) as { user?: string; from?: string };
    return { user, from, ours, gone: lines.filter((line) => line.startsWith("old=;")).length };
  }
  return { rows, ended, events, clock, sessions, visit };
}

const old = (name: string) => `old=${encodeURIComponent(name)}`;

const kept: [string, () => SessionStore | ReturnType<typeof sealedCookies>][] = [
  ["in a store", () => memoryStore({ clock: () => START })],
  ["sealed, with a revocation list", () => sealedCookies({ keys: [generateKey()], revocations: memoryStore() })],
];

describe.each(kept)("an old cookie left beside a session of ours, which is kept %s", (_, store) => {
  test.each(["/logout", "/sign-out"])("%s ends it too, and removes it: it signs nobody in again", async (path) => {
    for (const keepOld of [false, true]) {
      const { visit, ended } = moved({ keepOld }, { store: store() });
      const { ours } = await visit("/login/bob");
      expect(await visit("/", ours, old("of ada"))).toMatchObject({ user: "bob", gone: 0 });
      expect((await visit(path, ours, old("of ada"))).gone).toBe(1);
      expect(ended).toEqual(["of ada"]);
      expect((await visit("/", old("of ada"))).user).toBeUndefined();
    }
  });

  test("a logout ends what the old server sealed anew meanwhile", async () => {
    const { visit, rows } = moved({ keepOld: true }, { store: store() });
    const { ours } = await visit("/", old("of ada"));
    rows.set("of ada, anew", { user: "ada" });
    await visit("/logout", ours, old("of ada, anew"));
    for (const name of ["of ada", "of ada, anew"]) expect((await visit("/", old(name))).user).toBeUndefined();
  });

  test("an old store that fails does not keep anybody from signing out", async () => {
    let isDown = false;
    const down = () => {
      if (isDown) throw new Error("down");
    };
    const { visit, events } = moved(
      {
        end: down,
        adopt: ({ user }) => {
          down();
          return { subject: user };
        },
      },
      { store: store() },
    );
    const { ours } = await visit("/login/bob");
    isDown = true;
    expect(await visit("/logout", ours, old("of ada"))).toMatchObject({ gone: 1 });
    expect((await visit("/", ours)).user).toBeUndefined();
    expect(events.some(({ type }) => type === "migration_failed")).toBe(true);
  });
});

test.each(kept)(
  "a save, or a reload, in the request that takes over, %s, still removes the old cookie",
  async (_, store) => {
    for (const step of ["save", "reload"] as const) {
      const { sessions, visit } = moved({}, { store: store() });
      const first = await sessions.load(new Request("https://example.com/", { headers: { cookie: old("of ada") } }));
      if (step === "save") await sessions.save(first);
      const session = step === "save" ? first : await sessions.reload(first);
      session.set("from", "here");
      const lines = (await sessions.commit(session)).getSetCookie();
      expect(lines.filter((line) => line.startsWith("old=;"))).toHaveLength(1);
      const ours = lines.find((line) => line.startsWith(`${COOKIE}=`))?.split(";", 1)[0];
      expect(await visit("/", ours)).toMatchObject({ user: "ada", from: "here" });
    }
  },
);

describe.each([
  ...kept,
  ["sealed, without a list", () => sealedCookies({ keys: [generateKey()] })] as (typeof kept)[number],
])("a logout that is saved, with a session kept %s", (_, store) => {
  test.each(["destroy", "signOut"] as const)(
    "%s: the request does not go on with the old cookie's user",
    async (end) => {
      for (const keepOld of [false, true]) {
        const { sessions } = moved({ keepOld }, { store: store() });
        const session = await sessions.load(
          new Request("https://example.com/", { headers: { cookie: old("of ada") } }),
        );
        expect(session.subject).toBe("ada");
        session[end]();
        await sessions.save(session);
        if (end === "signOut") expect(session.subject).toBeUndefined();
        const lines = (await sessions.commit(session)).getSetCookie();
        expect(lines.filter((line) => line.startsWith("old=;"))).toHaveLength(1);
        expect(lines.filter((line) => line.startsWith(`${COOKIE}=`) && !line.includes("Max-Age=0"))).toEqual([]);
      }
    },
  );
});

describe("whoever holds an old cookie", () => {
  test("has nothing of it after the logout of its owner, though it was copied before the move", async () => {
    const { visit, clock } = moved();
    const { ours } = await visit("/", old("of ada"));
    await visit("/logout", ours);
    for (const later of [0, 36e5, 864e5]) {
      clock.now += later;
      expect((await visit("/", old("of ada"))).user).toBeUndefined();
    }
  });

  test("who planted it is not led to the session that its victim signs in to", async () => {
    for (const [, store] of kept) {
      const { visit } = moved({}, { store: store() });
      const planted = await visit("/", old("nobody's"));
      const victim = await visit("/login/ada", old("nobody's"));
      expect(victim.user).toBe("ada");
      expect((await visit("/", old("nobody's"))).user).toBeUndefined();
      expect((await visit("/", planted.ours)).user).toBeUndefined();
      expect((await visit("/", victim.ours)).user).toBe("ada");
    }
  });

  test("cannot put it in the place of a session of ours, whichever stands first", async () => {
    const { visit } = moved();
    const { ours } = await visit("/login/ada");
    expect((await visit("/", old("of eve"), ours)).user).toBe("ada");
    expect((await visit("/", ours, old("of eve"))).user).toBe("ada");
  });

  test("is signed out by revokeAll(subject) once it was taken over", async () => {
    const { visit, sessions } = moved();
    const { ours } = await visit("/", old("of ada"));
    expect(await sessions.revokeAll("ada")).toBe(1);
    for (const cookie of [ours, old("of ada")]) expect((await visit("/", cookie)).user).toBeUndefined();
  });

  test("and a revokeAll(subject) in the middle of the adoption ends it", async () => {
    const memory = memoryStore({ clock: () => START });
    let revoke: (() => Promise<unknown>) | undefined;
    const store: SessionStore = {
      ...memory,
      async create(...given) {
        const version = await memory.create(...given);
        const now = revoke;
        revoke = undefined;
        await now?.();
        return version;
      },
    };
    const { visit, sessions } = moved({}, { store });
    revoke = () => sessions.revokeAll("ada");
    const { user } = await visit("/", old("of ada"));
    const isListed = (await sessions.list("ada")).length > 0;
    expect((await visit("/", old("of ada"))).user).toBe(isListed ? "ada" : undefined);
    expect(user).toBe(isListed ? "ada" : undefined);
    expect(isListed).toBe(false);
  });

  test("a user has no more sessions than maxPerSubject allows, those taken over included", async () => {
    const { visit, rows, sessions, clock } = moved({}, { maxPerSubject: 2 });
    const taken = [];
    for (const age of [4, 3, 2, 1]) {
      rows.set(`${age}`, { user: "ada", createdAt: START - age * 36e5 });
      taken.push(await visit("/", old(`${age}`)));
      clock.now += 1_000;
    }
    expect(await sessions.list("ada")).toHaveLength(2);
    expect((await visit("/", taken[3]?.ours)).user).toBe("ada");
  });
});
