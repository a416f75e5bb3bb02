/** Which slots hold a text. */
import { inPage, none, pageBits, pageSize } from "./slots.ts";
import { createTextHash } from "./text-hash.ts";

export interface SlotTable {
  /** A slot with this text, or `none`; given the one that was found last, the next one. */
  find(text: string, last?: number): number;
  add(text: string, slot: number): void;
  /** Takes out a slot that is in it. */
  remove(slot: number): void;
}

/**
 * A hash table that gets one more bucket with each new slot, by splitting one of those it has (linear hashing). A Map
 * grows all at once; and V8 internalizes what is a key of a large Map, in one table for all, and stands still for 36 ms
 * when that grows at 1.4 million. A read with a key that is new to V8 takes three quarters of the time, and an entry 13
 * bytes less.
 */
export function createSlotTable(
  textOf: (slot: number) => string | undefined,
  hashOf: (text: string) => number = createTextHash(),
): SlotTable {
  // At 4 i the first slot in bucket i; behind it, about slot i: the next slot in its bucket, the place where it is
  // itself named as first or next, and its hash. With that place it is removed as fast from a crowded bucket as from
  // any other.
  const pages: Int32Array[] = [];
  const after = (slot: number): number => 4 * slot + 1;
  const before = (slot: number): number => 4 * slot + 2;
  const hash = (slot: number): number => 4 * slot + 3;
  let buckets = 1;

  const pageOf = (place: number): Int32Array => (pages[place >> pageBits] ??= new Int32Array(pageSize));
  const get = (place: number): number => pageOf(place)[place & inPage] as number;

  function set(place: number, value: number): void {
    pageOf(place)[place & inPage] = value;
  }

  /**
   * Where the first slot of the bucket is named. What belongs into a bucket that is not there yet is in the one without
   * the highest bit.
   */
  function bucketOf(hash: number): number {
    const bits = -1 >>> Math.clz32(buckets);
    const bucket = hash & bits;
    return 4 * (bucket < buckets ? bucket : bucket & (bits >>> 1));
  }

  function link(place: number, slot: number): void {
    set(place, slot);
    set(before(slot), place);
  }

  function put(slot: number): void {
    const bucket = bucketOf(get(hash(slot)));
    link(after(slot), get(bucket));
    link(bucket, slot);
  }

  function remove(slot: number): void {
    link(get(before(slot)), get(after(slot)));
  }

  function split(): void {
    let rest = get(bucketOf(buckets));
    buckets++;
    while (rest !== none) {
      const slot = rest;
      rest = get(after(slot));
      remove(slot);
      put(slot);
    }
  }

  return {
    find(text, last) {
      const wanted = hashOf(text);
      let slot = get(last === undefined ? bucketOf(wanted) : after(last));
      while (slot !== none && (get(hash(slot)) !== wanted || textOf(slot) !== text)) slot = get(after(slot));
      return slot;
    },
    add(text, slot) {
      set(hash(slot), hashOf(text));
      put(slot);
      if (slot > buckets) split();
    },
    remove,
  };
}
