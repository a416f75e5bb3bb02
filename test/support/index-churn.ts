/** A list of a user's sessions while these come and go: for any runtime, with any store that has an index. */
import { createSessions } from "../../src/index.ts";
import type { SessionStore, Version } from "../../src/store.ts";

/** What was wrong with each listing that was; nothing when all is well. */
export interface Churned {
  readonly listings: number;
  readonly faults: readonly string[];
}

const SUBJECT = "anna";

/**
 * Lists a subject's sessions `listings` times. Meanwhile one device of that user signs in and out without a pause, and
 * the session of another moves to a new key each time, as in a rotation: the new entry first, then the old one leaves
 * the list. Every listing must have each of the lasting sessions once, and the one that moves under one of its keys.
 */
export async function listWhileChurning(
  store: SessionStore,
  { lasting = 20, listings = 40, clock = Date.now }: { lasting?: number; listings?: number; clock?: () => number } = {},
): Promise<Churned> {
  const meta = { expiresAt: clock() + 3_600_000, subject: SUBJECT };
  const keys = Array.from({ length: lasting }, newKey);
  for (const key of keys) await store.create(key, "x", meta);
  const moving = new Set<string>();
  const faults: string[] = [];
  let over = false;

  async function signInAndOut(): Promise<void> {
    while (!over) {
      const key = newKey();
      const version = await store.create(key, "x", meta);
      if (version === undefined || !(await store.delete(key, version))) faults.push("a sign-out was refused");
      await turn();
    }
  }

  async function move(): Promise<void> {
    let key = newKey();
    moving.add(key);
    let version = (await store.create(key, "x", meta)) as Version;
    ready();
    while (!over) {
      const next = newKey();
      moving.add(next);
      const created = (await store.create(next, "x", meta)) as Version;
      const left = await store.update(key, "moved", { expiresAt: meta.expiresAt }, version);
      if (left === undefined) faults.push("a move was refused");
      [key, version] = [next, created];
      await turn();
    }
  }

  async function list(): Promise<void> {
    await started;
    for (let n = 1; n <= listings; n++) {
      const listed = (await store.keysOf?.(SUBJECT)) ?? [];
      const missing = keys.filter((key) => !listed.includes(key)).length;
      if (missing > 0) faults.push(`listing ${n} left out ${missing} of ${lasting}`);
      if (!listed.some((key) => moving.has(key))) faults.push(`listing ${n} left out the session that moves`);
      if (new Set(listed).size !== listed.length) faults.push(`listing ${n} has a key twice`);
      await turn();
    }
    over = true;
  }

  let ready = (): void => {};
  const started = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const stopped = (work: Promise<void>): Promise<void> =>
    work.finally(() => {
      over = true;
    });
  await Promise.all([signInAndOut(), move(), list()].map(stopped));
  return { listings, faults };
}

/**
 * Ends all of a user's sessions while others of that user come, go and move. What is returned should be empty: which of
 * the sessions that were there before are still signed in, and what was wrong with the listings meanwhile.
 */
export async function revokeWhileChurning(
  store: SessionStore,
  { lasting = 20, listings = 20 }: { lasting?: number; listings?: number } = {},
): Promise<readonly string[]> {
  const sessions = createSessions({ store, storeTimeout: 20_000 });
  const signIn = sessions.wrap((_request, session) => {
    session.signIn(SUBJECT);
    return new Response();
  });
  const request = (cookie = ""): Request => new Request("https://example.com/", { headers: { cookie } });
  const cookies: string[] = [];
  for (let n = 0; n < lasting; n++)
    cookies.push((await signIn(request())).headers.getSetCookie()[0]?.split(";")[0] ?? "");
  if ((await sessions.list(SUBJECT)).length !== lasting) return ["not every session was stored"];
  const churn = listWhileChurning(store, { lasting: 0, listings });
  await sessions.revokeAll(SUBJECT);
  const stillThere: string[] = [];
  for (const [n, cookie] of cookies.entries())
    if ((await sessions.load(request(cookie))).subject !== undefined) stillThere.push(`session ${n} is signed in`);
  return [...stillThere, ...(await churn).faults];
}

function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** Lets the others go on where the store answers at once. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
