import { CLOCK_SKEW } from "../rules/lifetime.ts";
import { decodeStored, encodeRecord, type LiveRecord } from "../stored/record.ts";

/**
 * A session as it is sealed: a record as in a store, with what a store would know of it. `renewedAt` is when it was
 * sealed; of several cookies the later is the newer.
 */
export interface SealedRecord extends LiveRecord {
  /** Random, of the shape of a store's key; new at sign-in and renewal: the key in the revocation list. */
  readonly id: string;
  /** The public name of the session: the id that it had at first. */
  readonly handle: string;
  /** Milliseconds that it lives without a request. */
  readonly idle: number;
  /** How long before it was sealed (ms) it was last in use: a write of a request that is no sign of life. */
  readonly unseen: number;
  /** Epoch ms: the absolute limit. */
  readonly end: number;
  /** The path, domain and partition of its cookie; `undefined` in what version 0.1 sealed. */
  readonly scope: string | undefined;
}

/* Property by property, here and in the commit: a spread costs Node 20 as much as the decryption. */
export function encodeSealed(record: SealedRecord): string {
  const { kind, data, createdAt, renewedAt, subject, authenticatedAt, persistent, limits, unknown } = record;
  const { id, handle, idle, end, scope, unseen, dataVersion } = record;
  const meta: unknown[] = [id, idle, end - createdAt, scope];
  if (handle !== id || unseen > 0) meta.push(handle);
  if (unseen > 0) meta.push(unseen);
  return encodeRecord({
    kind,
    data,
    createdAt,
    renewedAt,
    subject,
    authenticatedAt,
    persistent,
    meta,
    limits,
    dataVersion,
    unknown,
  });
}

/**
 * What an opened seal holds; `undefined` for anything that we did not write, and for what a clock far ahead of ours
 * wrote: it would be the newest for as long. Never throws.
 */
export function decodeSealed(text: string | undefined, now: number): SealedRecord | undefined {
  const record = decodeStored(text, now);
  if (record?.kind !== "live" || !Array.isArray(record.meta)) return undefined;
  const { kind, data, createdAt, renewedAt, subject, authenticatedAt, persistent, limits, dataVersion, unknown } =
    record;
  const [id, idle, life, scope, handle = id, unseen = 0] = record.meta as unknown[];
  if (typeof id !== "string" || typeof handle !== "string" || renewedAt > now + CLOCK_SKEW) return undefined;
  if (![idle, life, unseen].every(Number.isSafeInteger)) return undefined;
  return {
    kind,
    data,
    createdAt,
    renewedAt,
    subject,
    authenticatedAt,
    persistent,
    limits,
    unknown,
    dataVersion,
    id,
    handle,
    idle: idle as number,
    unseen: unseen as number,
    end: createdAt + (life as number),
    scope: typeof scope === "string" ? scope : undefined,
  };
}
