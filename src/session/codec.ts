import { SessionError } from "../errors.ts";

/** Turns the data of a session into the text that is stored, and back. */
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
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
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
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}
