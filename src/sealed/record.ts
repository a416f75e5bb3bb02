import { decodeStored, encodeRecord, type LiveRecord } from "../stored/record.ts";

/**
 * A session as it is sealed: a record as in a store, with what a store would know of it. `renewedAt` is when it was
 * sealed; of several cookies the later is the newer.
 */
export interface SealedRecord extends LiveRecord {
  /**
   * Random, of the shape of a store's key; new at sign-in and renewal. The public handle, and the key in the revocation
   * list.
   */
  readonly id: string;
  /** Epoch ms. */
  readonly idleEnd: number;
  /** Epoch ms: the absolute limit. */
  readonly end: number;
}

/* Property by property, here and in the commit: a spread costs Node 20 as much as the decryption. */
export function encodeSealed(record: SealedRecord): string {
  const { kind, data, createdAt, renewedAt, subject, authenticatedAt, persistent, id, idleEnd, end } = record;
  const meta = [id, idleEnd - renewedAt, end - createdAt];
  return encodeRecord({ kind, data, createdAt, renewedAt, subject, authenticatedAt, persistent, meta });
}

/**
 * What an opened seal holds; `undefined` for anything that we did not write. `maxIdle` (ms): a shorter limit than it
 * was sealed with holds at once. Never throws.
 */
export function decodeSealed(text: string | undefined, now: number, maxIdle: number): SealedRecord | undefined {
  const record = decodeStored(text, now);
  if (record?.kind !== "live" || !Array.isArray(record.meta)) return undefined;
  const { kind, data, createdAt, renewedAt, subject, authenticatedAt, persistent } = record;
  const [id, idle, life] = record.meta as unknown[];
  if (typeof id !== "string" || !Number.isSafeInteger(idle) || !Number.isSafeInteger(life)) return undefined;
  const idleEnd = renewedAt + Math.min(idle as number, maxIdle);
  return {
    kind,
    data,
    createdAt,
    renewedAt,
    subject,
    authenticatedAt,
    persistent,
    id,
    idleEnd,
    end: createdAt + (life as number),
  };
}
