import { SessionError } from "../errors.ts";
import { atOnce } from "../platform/awaitable.ts";

/**
 * Turns the data of a session into the text that is stored, and back. All of it answers at once, never with a promise.
 */
export interface Codec {
  /** Data to text. May throw: the commit then fails and nothing is written. */
  encode(data: Record<string, unknown>): string;
  /**
   * Text to data. A throw, or anything but an object of string keys, means that the record is damaged: no session. Must
   * not run code from the text.
   */
  decode(text: string): unknown;
  /**
   * An independent copy of a value, as a later request would read it; throws where the value would come back changed.
   * `path` is for the message. Default: what `decode(encode({ value }))` gives.
   */
  copy?(value: unknown, path: string): unknown;
}

/**
 * JSON, the default. Refuses with `value_not_storable`, and the path to it, whatever JSON would change in silence:
 * Date, Map, NaN, functions, instances.
 */
export const jsonCodec: Codec = { encode: JSON.stringify, decode: JSON.parse, copy: copyJson };

/**
 * A codec of the application's own, held to answer at once and with text. An `async` one would store `[object
 * Promise]`, and find no session any more; it is refused at construction where it shows there.
 */
export function checkedCodec(codec: Codec): Codec {
  if (codec === jsonCodec) return codec;
  const checked: Codec = {
    encode(data) {
      const text: unknown = atOnce("codec.encode", codec.encode(data));
      if (typeof text !== "string") throw new TypeError(`codec.encode must return text, not ${typeof text}`);
      return text;
    },
    decode: (text) => atOnce("codec.decode", codec.decode(text)),
  };
  const copy = codec.copy?.bind(codec);
  if (copy) checked.copy = (value, path) => atOnce("codec.copy", copy(value, path));
  const text = probe("codec.encode", () => codec.encode({}));
  if (typeof text === "string") probe("codec.decode", () => codec.decode(text));
  if (copy) probe("codec.copy", () => copy("", ""));
  return checked;
}

/** What a call gives, and no promise. A codec may throw at what it does not like. */
function probe(name: string, call: () => unknown): unknown {
  let value: unknown;
  try {
    value = call();
  } catch {
    return undefined;
  }
  return atOnce(name, value);
}

/** A copy of a value by the codec's own rules. */
export function copyOf(codec: Codec, value: unknown, path: string): unknown {
  if (codec.copy) return codec.copy(value, path);
  return (codec.decode(codec.encode({ value })) as { value: unknown }).value;
}

/** The data that a text holds; `undefined` where the codec throws, or gives anything but an object of keys. */
export function decodeData(codec: Codec, text: string): Record<string, unknown> | undefined {
  let data: unknown;
  try {
    data = codec.decode(text);
  } catch {
    return undefined;
  }
  return typeof data === "object" && data !== null && !Array.isArray(data)
    ? (data as Record<string, unknown>)
    : undefined;
}

/** Deeper than any session should be, and found before a cyclic value exhausts the stack. */
const MAX_DEPTH = 200;

function copyJson(value: unknown, key: string): unknown {
  return copyAt(value, [key]);
}

/**
 * `path` is where we are, one list for the whole walk: a text for each value would cost new data of 2 kB a quarter
 * more.
 */
function copyAt(value: unknown, path: (string | number)[]): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value === 0 ? 0 : value; // JSON has no -0
  if (typeof value !== "object")
    throw notStorable(path, typeof value === "number" ? String(value) : `a value of type ${typeof value}`);
  if (path.length > MAX_DEPTH) throw notStorable(path, `a value nested deeper than ${MAX_DEPTH} levels; is it cyclic?`);
  const into = (key: string | number, item: unknown): unknown => {
    path.push(key);
    const copy = copyAt(item, path);
    path.pop();
    return copy;
  };
  // Array.from, not map: a hole must be refused as the undefined that it reads as, for JSON makes it null
  if (Array.isArray(value)) return Array.from(value, (item, index) => into(index, item));
  if (!isPlain(value)) {
    throw notStorable(
      path,
      `an instance of ${(value.constructor as { name?: string } | undefined)?.name || "a class"}`,
    );
  }
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    // As in JSON an undefined property is no property; the copy already reads that way in this request
    if (item !== undefined) put(copy, key, into(key, item));
  }
  return copy;
}

function notStorable([root, ...path]: (string | number)[], what: string): SessionError {
  const where = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
  return new SessionError("value_not_storable", `Cannot store "${root}${where}": JSON would not give back ${what}`);
}

/** Sets an own property, also one called `__proto__`, which plain assignment would take for the prototype. */
export function put(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__")
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  else target[key] = value;
}

/** The value, frozen all the way down. */
export function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value) && isPlain(value)) {
    Object.freeze(value);
    for (const item of Object.values(value)) freeze(item);
  }
  return value;
}

/** A codec of one's own may know Map, Date or byte arrays: freezing does not protect those, or throws. */
export function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return Array.isArray(value) || prototype === null || prototype === Object.prototype || isObjectPrototype(prototype);
}

/** `Object.prototype` of another realm: Jest, a `vm` context and an edge sandbox make objects with their own. */
function isObjectPrototype(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf");
}
