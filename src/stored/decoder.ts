import { type Codec, decodeData, jsonCodec } from "../session/codec.ts";
import { decodeStored, type Forward, type LiveRecord, type Tombstone } from "./record.ts";

/** What a stored text means. */
export type Decoded = DecodedRecord | Forward | Tombstone;

/** A session with its data decoded. */
export interface DecodedRecord extends LiveRecord {
  /** Shared between requests: only frozen parts of it are handed out, and changes go to a copy. */
  readonly content: Record<string, unknown>;
}

export interface Decoder {
  /** What the text under a key means; `undefined` for anything that we did not write. Never throws. */
  decode(key: string, text: unknown, now: number): Decoded | undefined;
  /** The text under a key was written just now, so that what it means is known. */
  remember(key: string, text: string, decoded: DecodedRecord): void;
}

/**
 * How many texts are remembered with what they mean, and how many characters of them: about 5 MB at most. A power of
 * two.
 */
const PLACES = 4096;
const MOST_CHARACTERS = 500_000;
/**
 * Longer texts are decoded each time: one of a few megabytes would stay in memory, text and objects, until the next.
 */
const LONGEST = 50_000;

interface Remembered {
  readonly text: string;
  readonly decoded: DecodedRecord;
}

/**
 * A page and what it loads ask for one session many times within a second, so what was decoded lately is remembered:
 * that takes a seventh off a small read, and four fifths off one of 2 kB. Only for the default codec, whose values can
 * be frozen.
 */
export function createDecoder(codec: Codec): Decoder {
  // Not a Map: V8 would internalize its keys, while these are random already
  let recent = new Array<Remembered | undefined>(PLACES);
  let characters = 0;

  function remember(key: string, text: string, decoded: DecodedRecord): void {
    if (codec !== jsonCodec || text.length > LONGEST) return;
    const place = placeOf(key);
    characters += text.length - (recent[place]?.text.length ?? 0);
    if (characters > MOST_CHARACTERS) {
      recent = new Array(PLACES);
      characters = text.length;
    }
    recent[place] = { text, decoded };
  }

  function decode(key: string, text: unknown, now: number): Decoded | undefined {
    const known = recent[placeOf(key)];
    if (known !== undefined && known.text === text) return known.decoded;
    const stored = decodeStored(text, now);
    if (stored?.kind !== "live") return stored;
    const content = decodeData(codec, stored.data);
    if (content === undefined) return undefined;
    // The record was made just now, so it is ours to complete, without a copy
    const decoded: DecodedRecord = Object.assign(stored, { content });
    remember(key, text as string, decoded);
    return decoded;
  }

  return { decode, remember };
}

/** From two characters that are random in every key of ours. */
function placeOf(key: string): number {
  return ((key.charCodeAt(key.length - 3) << 6) ^ key.charCodeAt(key.length - 2)) & (PLACES - 1);
}
