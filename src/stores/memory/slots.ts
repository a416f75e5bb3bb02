/** The entries of a memory store, in numbered slots and in the order of use. */
import type { Entry } from "../../store.ts";

/** No slot: what comes before the oldest and after the newest. */
export const none = 0;

/** Where entries are. All calls but `add` want a slot that is taken. */
export interface Slots {
  /** Takes a free slot, as the newest. */
  add(key: string, value: string, version: number, expiresAt: number): number;
  /** Frees the slot. */
  remove(slot: number): void;
  write(slot: number, value: string, version: number, expiresAt: number): void;
  prolong(slot: number, expiresAt: number): void;
  /** Makes the slot the newest. */
  use(slot: number): void;
  /** The slot that was used just after this one; of `none` the oldest of all; `none` after the newest. */
  newer(slot: number): number;
  key(slot: number): string;
  subject(slot: number): string | undefined;
  setSubject(slot: number, subject: string | undefined): void;
  version(slot: number): number;
  expiresAt(slot: number): number;
  /** A copy, so that nothing that is kept is shared. */
  entry(slot: number): Entry;
}

/**
 * Slots come in pages of arrays instead of one object each. That takes half the memory, and above all the garbage collector has nothing
 * to copy or to follow but keys and values: it is what holds a process with a million sessions. A page is never given back.
 */
interface Page {
  readonly keys: string[];
  readonly values: string[];
  readonly subjects: (string | undefined)[];
  readonly versions: Float64Array;
  readonly expiries: Float64Array;
  readonly older: Int32Array;
  readonly newer: Int32Array;
}

const pageBits = 10;
const pageSize = 1 << pageBits;
const inPage = pageSize - 1;

export function createSlots(): Slots {
  const pages: Page[] = [];
  // Slot 0 closes the ring: after it comes the oldest, before it the newest.
  let made = none + 1;
  let firstFree = none;

  // A slot is only ever a number that `add` gave, so its page is there.
  const pageOf = (slot: number): Page => pages[slot >> pageBits] as Page;
  pages.push(newPage());

  function between(older: number, newer: number): void {
    pageOf(older).newer[older & inPage] = newer;
    pageOf(newer).older[newer & inPage] = older;
  }

  function unlink(slot: number): void {
    const page = pageOf(slot);
    between(page.older[slot & inPage] as number, page.newer[slot & inPage] as number);
  }

  function linkAsNewest(slot: number): void {
    between(pageOf(none).older[none] as number, slot);
    between(slot, none);
  }

  function takeFree(): number {
    if (firstFree === none) {
      if (made >> pageBits === pages.length) pages.push(newPage());
      return made++;
    }
    const slot = firstFree;
    firstFree = pageOf(slot).newer[slot & inPage] as number;
    return slot;
  }

  function write(slot: number, value: string, version: number, expiresAt: number): void {
    const page = pageOf(slot);
    page.values[slot & inPage] = value;
    page.versions[slot & inPage] = version;
    page.expiries[slot & inPage] = expiresAt;
  }

  return {
    add(key, value, version, expiresAt) {
      const slot = takeFree();
      pageOf(slot).keys[slot & inPage] = key;
      write(slot, value, version, expiresAt);
      linkAsNewest(slot);
      return slot;
    },
    remove(slot) {
      unlink(slot);
      const page = pageOf(slot);
      page.keys[slot & inPage] = "";
      page.values[slot & inPage] = "";
      page.subjects[slot & inPage] = undefined;
      page.newer[slot & inPage] = firstFree;
      firstFree = slot;
    },
    write,
    prolong(slot, expiresAt) {
      pageOf(slot).expiries[slot & inPage] = expiresAt;
    },
    use(slot) {
      if (pageOf(slot).newer[slot & inPage] === none) return;
      unlink(slot);
      linkAsNewest(slot);
    },
    newer: (slot) => pageOf(slot).newer[slot & inPage] as number,
    key: (slot) => pageOf(slot).keys[slot & inPage] as string,
    subject: (slot) => pageOf(slot).subjects[slot & inPage],
    setSubject(slot, subject) {
      pageOf(slot).subjects[slot & inPage] = subject;
    },
    version: (slot) => pageOf(slot).versions[slot & inPage] as number,
    expiresAt: (slot) => pageOf(slot).expiries[slot & inPage] as number,
    entry(slot) {
      const page = pageOf(slot);
      const i = slot & inPage;
      return { value: page.values[i] as string, version: page.versions[i] as number, expiresAt: page.expiries[i] as number };
    },
  };
}

function newPage(): Page {
  return {
    keys: new Array<string>(pageSize).fill(""),
    values: new Array<string>(pageSize).fill(""),
    subjects: new Array<string | undefined>(pageSize).fill(undefined),
    versions: new Float64Array(pageSize),
    expiries: new Float64Array(pageSize),
    older: new Int32Array(pageSize),
    newer: new Int32Array(pageSize),
  };
}
