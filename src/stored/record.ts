import { CLOCK_SKEW } from "../rules/lifetime.ts";

/** What is stored under a key: a live record, or a mark that says where the session went. */
export type Stored = LiveRecord | Forward | Tombstone;

/** A session. */
export interface LiveRecord {
  readonly kind: "live";
  /** The data as the codec wrote it. */
  readonly data: string;
  /** Epoch ms; the absolute limit counts from here. */
  readonly createdAt: number;
  /** Epoch ms; when the present token was made. */
  readonly renewedAt: number;
  readonly subject?: string | undefined;
  readonly authenticatedAt?: number | undefined;
  readonly persistent?: boolean | undefined;
  /** What the application says of the device. */
  readonly meta?: unknown;
  /** Key of the token that this one was rotated from, until somebody has presented this one. */
  readonly previous?: string | undefined;
}

/** Left by a rotation: whoever has the old token can derive the new one, and is led on. */
export interface Forward {
  readonly kind: "forward";
  readonly to: string;
  readonly nonce: string;
  /** Epoch ms; set once the new token was seen. From then on the old one is reuse. */
  readonly until?: number | undefined;
}

/** Left by sign-in, renewal and logout: the token opens nothing. `to` is for logout and revocation alone. */
export interface Tombstone {
  readonly kind: "ended";
  readonly to?: string | undefined;
}

/** Bump it when the format changes; a version that is not ours is no session. */
const VERSION = 1;

/*
 * One line of JSON, then the data: `[1,createdAt,renewedAt - createdAt]` or `[1,createdAt,renewedAt - createdAt,{the
 * rest}]`, a newline, the codec's text. Two texts rather than one JSON, so that the data needs no second escaping, and
 * a record of a million costs few bytes. Marks are one line: `[1,"forward",to,nonce]`, `[1,"forward",to,nonce,until]`,
 * `[1,"ended"]`, `[1,"ended",to]`.
 */
export function encodeRecord(record: LiveRecord): string {
  const { createdAt, renewedAt, subject, authenticatedAt, persistent, meta, previous } = record;
  const rest = JSON.stringify({ subject, authenticatedAt, persistent: persistent || undefined, meta, previous });
  // join, not a template: a concatenated string stays a rope in V8 and would keep both parts in the memory store
  return [`[${VERSION},${createdAt},${renewedAt - createdAt}${rest === "{}" ? "" : `,${rest}`}]`, record.data].join(
    "\n",
  );
}

export function encodeMark(mark: Forward | Tombstone): string {
  if (mark.kind === "ended")
    return JSON.stringify(mark.to === undefined ? [VERSION, "ended"] : [VERSION, "ended", mark.to]);
  return JSON.stringify([VERSION, "forward", mark.to, mark.nonce, ...(mark.until === undefined ? [] : [mark.until])]);
}

/** What a stored text means; `undefined` for anything that we did not write. Never throws. */
export function decodeStored(text: unknown, now: number): Stored | undefined {
  if (typeof text !== "string") return undefined;
  const newline = text.indexOf("\n");
  let head: unknown;
  try {
    head = JSON.parse(newline < 0 ? text : text.slice(0, newline));
  } catch {
    return undefined;
  }
  if (!Array.isArray(head) || head[0] !== VERSION) return undefined;
  if (newline < 0) return decodeMark(head);
  const createdAt: unknown = head[1];
  const age: unknown = head[2];
  const rest: unknown = head[3] ?? NO_REST;
  if (!isTime(createdAt) || !isTime(age) || createdAt > now + CLOCK_SKEW || !isRest(rest)) return undefined;
  const { subject, authenticatedAt, persistent, meta, previous } = rest;
  return {
    kind: "live",
    data: text.slice(newline + 1),
    createdAt,
    renewedAt: createdAt + age,
    subject,
    authenticatedAt,
    persistent,
    meta,
    previous,
  };
}

function decodeMark([, kind, to, nonce, until]: unknown[]): Forward | Tombstone | undefined {
  if (kind === "ended" && isOptional(to, "string")) return { kind, to };
  if (
    kind === "forward" &&
    typeof to === "string" &&
    typeof nonce === "string" &&
    (until === undefined || isTime(until))
  ) {
    return { kind, to, nonce, until };
  }
  return undefined;
}

const NO_REST: Rest = {};

type Rest = Pick<LiveRecord, "subject" | "authenticatedAt" | "persistent" | "meta" | "previous">;

function isRest(value: unknown): value is Rest {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const rest = value as Record<keyof Rest, unknown>;
  return (
    isOptional(rest.subject, "string") &&
    (rest.authenticatedAt === undefined || isTime(rest.authenticatedAt)) &&
    isOptional(rest.persistent, "boolean") &&
    isOptional(rest.previous, "string")
  );
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isOptional<T extends "string" | "boolean">(
  value: unknown,
  type: T,
): value is (T extends "string" ? string : boolean) | undefined {
  return value === undefined || typeof value === type;
}
