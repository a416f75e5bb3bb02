/** What is wrong with an option, said in one form: its name, what it must be, and what it is. */

export function known(what: string, given: unknown, names: readonly string[]): void {
  must(typeof given === "object" && given !== null && !Array.isArray(given), what, given, "an object");
  const unknown = Object.keys(given as object).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new TypeError(`${what} has no "${unknown}"; it has ${names.join(", ")}`);
}

/** Seconds, to the millisecond, that stay exact when they are added to a time. */
export function isDuration(value: unknown, least = 0.001): boolean {
  return typeof value === "number" && value >= least && value <= Number.MAX_SAFE_INTEGER / 1_000_000;
}

/** Milliseconds that a timer can wait. Beyond 2^31 - 1 timers fire at once. */
export function isTimeout(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 2 ** 31;
}

export function oneOf(name: string, value: unknown, choices: readonly unknown[]): void {
  must(choices.includes(value), name, value, choices.filter(Boolean).map(show).join(" or "));
}

export function boolean(name: string, value = false): boolean {
  must(typeof value === "boolean", name, value, "true or false");
  return value;
}

export function must(holds: boolean, name: string, value: unknown, what: string): void {
  const Refusal = typeof value === "number" ? RangeError : TypeError;
  if (!holds) throw new Refusal(`${name} must be ${what}, not ${show(value)}`);
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  // What an object says of itself may be a secret, or throw
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  return typeof value === "function" ? "a function" : String(value);
}
