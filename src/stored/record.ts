import { CLOCK_SKEW } from "../rules/lifetime.ts";
import type { OwnLimits } from "../session/state.ts";

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
  /** The version of the shape of `data`. Absent for 1. */
  readonly dataVersion?: number | undefined;
  /** The public name of the session: the key of its first token. Absent where that is the present key. */
  readonly handle?: string | undefined;
  /** The idle limit in ms under which the entry's expiry was set. Absent in records of version 0.1. */
  readonly idle?: number | undefined;
  /** Limits in ms that this session has of its own. */
  readonly limits?: OwnLimits | undefined;
  /** Its place among the user's sign-ins, where `authenticatedAt` would put it before one that it came after. */
  readonly order?: number | undefined;
  /** A number of the write that made it, where that computed from what it had read: two may write the same data. */
  readonly writeId?: number | undefined;
  /** What a later version wrote into the head. Kept as it is. */
  readonly unknown?: Readonly<Record<string, unknown>> | undefined;
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
  /** Epoch ms; left by an adoption: how long the cookie of another library could open something. */
  readonly lasts?: number | undefined;
  /** Left by an adoption that leaves the old cookie in use: it never becomes reuse. */
  readonly kept?: boolean | undefined;
}

/** Left by sign-in, renewal and logout: the token opens nothing. `to` is for logout and revocation alone. */
export interface Tombstone {
  readonly kind: "ended";
  readonly to?: string | undefined;
}

/** Bump it when the format changes; a version that is not ours is no session. */
const VERSION = 1;

/*
 * One line of JSON, the head, then the data: `[1,createdAt,renewedAt - createdAt,{the rest}]`, a newline, the codec's
 * text. Two texts rather than one JSON, so that the data needs no second escaping, and a record of a million costs few
 * bytes. Marks are one line: `[1,"forward",to,nonce]`, `[1,"forward",to,nonce,until]`, `[1,"ended"]`, `[1,"ended",to]`;
 * those of an adoption `[1,"forward",to,nonce,until or null,lasts]`, perhaps with `,1]`.
 */
export function encodeRecord(record: LiveRecord): string {
  const { createdAt, renewedAt } = record;
  // The clock of whoever renewed it may be behind that of whoever made it
  const age = Math.max(0, renewedAt - createdAt);
  // join, not a template: a concatenated string stays a rope in V8 and would keep both parts in the memory store
  return [`[${VERSION},${createdAt},${age}${restOf(record)}]`, record.data].join("\n");
}

function restOf(record: LiveRecord): string {
  const { subject, authenticatedAt, persistent, meta, previous, handle, idle, limits, order, writeId, unknown } =
    record;
  // A visitor's has nothing but the limit, and stringify would be a seventh of a write
  const dataVersion = record.dataVersion === 1 ? undefined : record.dataVersion;
  const others =
    dataVersion ?? subject ?? authenticatedAt ?? previous ?? handle ?? limits ?? order ?? writeId ?? unknown;
  if (others === undefined && meta === undefined && !persistent) return idle === undefined ? "" : `,{"idle":${idle}}`;
  const known = {
    subject,
    authenticatedAt,
    persistent: persistent || undefined,
    meta,
    dataVersion,
    previous,
    handle,
    idle,
    limits,
    order,
    writeId,
  };
  const rest = JSON.stringify(unknown === undefined ? known : { ...unknown, ...known });
  return rest === "{}" ? "" : `,${rest}`;
}

export function encodeMark(mark: Forward | Tombstone): string {
  if (mark.kind === "ended")
    return JSON.stringify(mark.to === undefined ? [VERSION, "ended"] : [VERSION, "ended", mark.to]);
  const { to, nonce, until, lasts, kept } = mark;
  const end = lasts === undefined ? (until === undefined ? [] : [until]) : [until ?? null, lasts, ...(kept ? [1] : [])];
  return JSON.stringify([VERSION, "forward", to, nonce, ...end]);
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
  const { subject, authenticatedAt, persistent, meta, dataVersion, previous, handle, idle, limits, order, writeId } =
    rest;
  return {
    kind: "live",
    data: text.slice(newline + 1),
    createdAt,
    renewedAt: createdAt + age,
    subject,
    authenticatedAt,
    persistent,
    meta,
    dataVersion,
    previous,
    handle,
    idle,
    limits,
    order,
    writeId,
    unknown: unknownOf(rest),
  };
}

const KNOWN: ReadonlySet<string> = new Set([
  "subject",
  "authenticatedAt",
  "persistent",
  "meta",
  "dataVersion",
  "previous",
  "handle",
  "idle",
  "limits",
  "order",
  "writeId",
]);

/** The fields of a head that this version does not know. */
function unknownOf(rest: object): Record<string, unknown> | undefined {
  if (rest === NO_REST || Object.keys(rest).every(isKnown)) return undefined;
  return Object.fromEntries(Object.entries(rest).filter(([name]) => !isKnown(name)));
}

function isKnown(name: string): boolean {
  return KNOWN.has(name);
}

function decodeMark([, kind, to, nonce, deadline, lasts, kept]: unknown[]): Forward | Tombstone | undefined {
  const until = deadline ?? undefined;
  if (kind === "ended" && isOptional(to, "string")) return { kind, to };
  if (
    kind === "forward" &&
    typeof to === "string" &&
    typeof nonce === "string" &&
    isOptionalTime(until) &&
    isOptionalTime(lasts)
  ) {
    return lasts === undefined ? { kind, to, nonce, until } : { kind, to, nonce, until, lasts, kept: kept === 1 };
  }
  return undefined;
}

const NO_REST: Rest = {};

type Rest = Omit<LiveRecord, "kind" | "data" | "createdAt" | "renewedAt" | "unknown">;

function isRest(value: unknown): value is Rest {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const rest = value as Record<keyof Rest, unknown>;
  return (
    isOptional(rest.subject, "string") &&
    isOptionalTime(rest.authenticatedAt) &&
    isOptional(rest.persistent, "boolean") &&
    isOptionalTime(rest.dataVersion) &&
    rest.dataVersion !== 0 &&
    isOptional(rest.previous, "string") &&
    isOptional(rest.handle, "string") &&
    isOptionalTime(rest.idle) &&
    isOptionalTime(rest.order) &&
    isOptionalTime(rest.writeId) &&
    isLimits(rest.limits)
  );
}

function isLimits(value: unknown): value is OwnLimits | undefined {
  if (value === undefined) return true;
  if (typeof value !== "object" || value === null) return false;
  const { idle, absolute } = value as Record<keyof OwnLimits, unknown>;
  return isOptionalTime(idle) && isOptionalTime(absolute);
}

function isOptionalTime(value: unknown): value is number | undefined {
  return value === undefined || isTime(value);
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
