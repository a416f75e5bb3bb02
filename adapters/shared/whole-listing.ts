/** How many times the names are read before the listing is given up. */
const ROUNDS = 100;

/** How many names are looked at at once: Workers open six connections for a request, and let the others wait. */
const AT_ONCE = 6;

/*
 * Twin of src/stores/whole-listing.ts, but for AT_ONCE: adapters import published entries only, and an export would be
 * for ever. A change to one is a change to both.
 */

/**
 * The names in an index that lead to a live session, where names and sessions are written apart. A session that moves
 * to another key, as in a rotation, is under the new name before the old one leads nowhere. So a name that leads
 * nowhere may have been the only one of a live session when the names were read: they are read again, until those that
 * are new are all live.
 *
 * @throws {Error} when the names change faster than they can be read
 */
export async function wholeListing(
  readNames: () => Promise<readonly string[]>,
  isLive: (name: string) => Promise<boolean>,
): Promise<string[]> {
  const seen = new Set<string>();
  const live: string[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const fresh = (await readNames()).filter((name) => !seen.has(name));
    const before = live.length;
    for (let at = 0; at < fresh.length; at += AT_ONCE) {
      const part = fresh.slice(at, at + AT_ONCE);
      const answers = await Promise.all(part.map(isLive));
      live.push(...part.filter((_, index) => answers[index]));
    }
    if (live.length - before === fresh.length) return live;
    for (const name of fresh) seen.add(name);
  }
  throw new Error("The list of this user's sessions changes faster than it can be read");
}
