import type { Session } from "../../src/index.ts";

/**
 * What is read once the response has left: the same values, where a change throws, also in code that is not strict. The
 * committed session makes an event of it.
 */
export function lateView<T extends object>(value: T, committed: Session): T {
  const refuse = (_copy: object, key: PropertyKey): never => {
    committed.delete(String(key));
    throw new TypeError("The session was committed already");
  };
  // Of a frozen object a proxy would have to show the parts as they are
  const copy: object = Array.isArray(value) ? [...value] : { ...value };
  Object.setPrototypeOf(copy, Object.getPrototypeOf(value));
  const view: unknown = new Proxy(copy, {
    get(_copy, key) {
      const found: unknown = Reflect.get(value, key, value);
      if (typeof found === "function") return Array.isArray(value) ? found : found.bind(value);
      return typeof found === "object" && found !== null ? lateView(found, committed) : found;
    },
    set: refuse,
    deleteProperty: refuse,
    defineProperty: refuse,
  });
  return view as T;
}
