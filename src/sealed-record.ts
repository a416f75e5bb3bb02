import { decodeStored, encodeRecord, type LiveRecord } from "./record.ts";

/** A session as it is sealed: a record as in a store, with what a store would know of it. `renewedAt` is when it was sealed; of several cookies the later is the newer. */
export interface SealedRecord extends LiveRecord {
  /** Random; new at sign-in and renewal. The revocation list knows its digest. */
  readonly id: string;
  /** Epoch ms. */
  readonly idleEnd: number;
  /** Epoch ms: the absolute limit. */
  readonly end: number;
}

export function encodeSealed(record: SealedRecord): string {
  const { id, renewedAt, createdAt, idleEnd, end } = record;
  return encodeRecord({ ...record, meta: [id, idleEnd - renewedAt, end - createdAt] });
}

/** What an opened seal holds; `undefined` for anything that we did not write. Never throws. */
export function decodeSealed(text: string | undefined, now: number): SealedRecord | undefined {
  const record = decodeStored(text, now);
  if (record?.kind !== "live" || !Array.isArray(record.meta)) return undefined;
  const [id, idle, life] = record.meta as unknown[];
  if (typeof id !== "string" || !Number.isSafeInteger(idle) || !Number.isSafeInteger(life)) return undefined;
  return { ...record, id, idleEnd: record.renewedAt + (idle as number), end: record.createdAt + (life as number) };
}
