/**
 * `session.views = 1` would make a property of this request's object that nothing stores. It throws instead, and says
 * what to write.
 *
 * `prototype` is that of the class of sessions. What the class has is found before the search gets to the trap, so that
 * calling a method and reading a property cost what they did.
 */
export function refuseAssignment(prototype: object): void {
  for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    // Without a setter, sloppy mode ignores the assignment. It does so for methods: accessors would make calls dearer
    Object.defineProperty(prototype, name, get ? { set: (value) => refuse(name, value) } : { writable: false });
  }
  // A promise that is resolved with a session asks for this; found here, the question does not get to the trap
  // biome-ignore lint/suspicious/noThenProperty: undefined is what it would find
  Object.defineProperty(prototype, "then", { value: undefined });
  Object.setPrototypeOf(prototype, new Proxy({}, { set: (_, name, value) => refuse(name, value) }));
}

/** How what some properties say is changed. */
const METHODS = new Map<string | symbol, string>([
  ["subject", "signIn(subject) or destroy()"],
  ["handle", "renew()"],
  ["cookie", "persist() or signIn(subject, { persistent: true })"],
]);

function refuse(name: string | symbol, value: unknown): never {
  const key = JSON.stringify(String(name));
  const instead = METHODS.get(name) ?? (value === undefined ? `delete(${key})` : `set(${key}, value)`);
  throw new TypeError(
    `A session does not store what is assigned to it, such as ${String(name)}: write session.${instead}`,
  );
}
