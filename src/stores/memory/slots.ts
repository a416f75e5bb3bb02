/** The entries of a memory store, in numbered slots and in the order of use. */
import type { Entry } from "../../store.ts";

/** No slot: what comes before the oldest and after the newest. */
export const none = 0;

/** Where entries are. All calls but `add` want a slot that is taken. */
export interface Slots {
  /** Takes a free slot, as the newest. */
  add(key: string, value: string, version: number, expiresAt: number): number;
  /** Frees the slot, which must have no subject any more. */
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
  isLasting(slot: number): boolean;
  setLasting(slot: number, lasting: boolean): void;
  version(slot: number): number;
  expiresAt(slot: number): number;
  /** A copy, so that nothing that is kept is shared. */
  entry(slot: number): Entry;
}

/**
 * Slots come in pages of arrays instead of one object each. That takes half the memory, and above all the garbage
 * collector has nothing to copy or to follow but keys and values: it is what holds a process with a million sessions. A
 * page is never given back.
 */
interface Page {
  readonly keys: string[];
  readonly values: string[];
  readonly subjects: (string | undefined)[];
  readonly lasting: Uint8Array;
  readonly versions: Float64Array;
  readonly expiries: Float64Array;
  readonly older: Int32Array;
  readonly newer: Int32Array;
}

export const pageBits: number = 10;
export const pageSize: number = 1 << pageBits;
export const inPage: number = pageSize - 1;

export function createSlots(): Slots {
  const pages: Page[] = [];
  // Slot 0 closes the ring: after it comes the oldest, before it the newest.
  let made = none + 1;
  let firstFree = none;

  const pageOf = (slot: number): Page => (pages[slot >> pageBits] ??= newPage());

  const newer = (slot: number): number => pageOf(slot).newer[slot & inPage] as number;
  const version = (slot: number): number => pageOf(slot).versions[slot & inPage] as number;
  const expiresAt = (slot: number): number => pageOf(slot).expiries[slot & inPage] as number;

  function between(older: number, newer: number): void {
    pageOf(older).newer[older & inPage] = newer;
    pageOf(newer).older[newer & inPage] = older;
  }

  function unlink(slot: number): void {
    between(pageOf(slot).older[slot & inPage] as number, newer(slot));
  }

  function linkAsNewest(slot: number): void {
    between(pageOf(none).older[none] as number, slot);
    between(slot, none);
  }

  function takeFree(): number {
    if (firstFree === none) return made++;
    const slot = firstFree;
    firstFree = newer(slot);
    return slot;
  }

  function write(slot: number, value: string, newVersion: number, newExpiry: number): void {
    const page = pageOf(slot);
    page.values[slot & inPage] = value;
    page.versions[slot & inPage] = newVersion;
    page.expiries[slot & inPage] = newExpiry;
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
      pageOf(slot).keys[slot & inPage] = "";
      pageOf(slot).values[slot & inPage] = "";
      pageOf(slot).newer[slot & inPage] = firstFree;
      firstFree = slot;
    },
    write,
    prolong(slot, expiresAt) {
      pageOf(slot).expiries[slot & inPage] = expiresAt;
    },
    use(slot) {
      if (newer(slot) === none) return;
      unlink(slot);
      linkAsNewest(slot);
    },
    newer,
    key: (slot) => pageOf(slot).keys[slot & inPage] as string,
    subject: (slot) => pageOf(slot).subjects[slot & inPage],
    setSubject(slot, subject) {
      pageOf(slot).subjects[slot & inPage] = subject;
    },
    isLasting: (slot) => pageOf(slot).lasting[slot & inPage] === 1,
    setLasting(slot, lasting) {
      pageOf(slot).lasting[slot & inPage] = Number(lasting);
    },
    version,
    expiresAt,
    entry: (slot) => ({
      value: pageOf(slot).values[slot & inPage] as string,
      version: version(slot),
      expiresAt: expiresAt(slot),
    }),
  };
}

function newPage(): Page {
  return {
    keys: new Array(pageSize).fill(""),
    values: new Array(pageSize).fill(""),
    subjects: new Array(pageSize),
    lasting: new Uint8Array(pageSize),
    versions: new Float64Array(pageSize),
    expiries: new Float64Array(pageSize),
    older: new Int32Array(pageSize),
    newer: new Int32Array(pageSize),
  };
}
