import { sha256 } from "#platform";

/** Where a session is listed: under a subject's digest, by a name that is unique to this stay with this subject. */
export interface Place {
  readonly subject: string;
  readonly binding: string;
}

/** What stands in front of a value in an engine that keeps one text per key. */
export interface Head {
  readonly expiresAt: number;
  readonly place: Place | undefined;
}

/** A text in such an engine that is not ours lives for ever, as far as we can tell. */
export const UNKNOWN_EXPIRY: number = Number.MAX_SAFE_INTEGER;

/*
 * `<expiry> <binding> <digest of the subject> <text|json>`, or `<expiry> - - <text|json>`, a newline, the value. The
 * expiry has 16 digits, so that it can be replaced in place. The value is itself, but JSON if it has a lone surrogate,
 * which UTF-8 cannot carry.
 */
const HEAD = /^(\d{16}) (?:([\w-]{22}) ([\w-]{43})|- -) (text|json)\n/;

/** The longest head, in characters. */
export const HEAD_LENGTH: number = 16 + 1 + 22 + 1 + 43 + 1 + 4 + 1;

const LONE_SURROGATE = /\p{Surrogate}/u;

export function seal({ expiresAt, place }: Head, value: string): string {
  const where = place ? `${place.binding} ${place.subject}` : "- -";
  return `${String(wholeMs(expiresAt)).padStart(16, "0")} ${where} ${LONE_SURROGATE.test(value) ? `json\n${JSON.stringify(value)}` : `text\n${value}`}`;
}

/** Head and value; `undefined` for a text that is not ours. */
export function open(text: string): (Head & { readonly value: string }) | undefined {
  const match = HEAD.exec(text);
  const head = match && toHead(match);
  if (!head) return undefined;
  const rest = text.slice(match[0].length);
  if (match[4] === "text") return { ...head, value: rest };
  try {
    return { ...head, value: String(JSON.parse(rest)) };
  } catch {
    return undefined;
  }
}

/** The head alone, of a text that may be cut behind it. */
export function openHead(text: string): Head | undefined {
  const match = HEAD.exec(text);
  return match ? toHead(match) : undefined;
}

function toHead([, expiresAt, binding, subject]: RegExpExecArray): Head {
  return { expiresAt: Number(expiresAt), place: binding && subject ? { binding, subject } : undefined };
}

/**
 * A name of fixed length for a subject, which may be any text. Of its JSON, because UTF-8 would make one of all lone
 * surrogates. Adapters have one of their own, in hexadecimal: adapters/shared/subject-digest.ts.
 */
export function subjectDigest(subject: string): string {
  return sha256(JSON.stringify(subject));
}

/** What an engine takes for a time: a whole number that is not negative. */
export function wholeMs(expiresAt: number): number {
  return Math.min(Math.max(Math.ceil(expiresAt), 0), Number.MAX_SAFE_INTEGER);
}
