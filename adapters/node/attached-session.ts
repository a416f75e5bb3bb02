import type { IncomingMessage } from "node:http";
import type { Session } from "../../src/index.ts";

/** Puts a session on a request. */
export type Attach<Data extends object> = (request: IncomingMessage, session: Session<Data>) => void;

/**
 * A property of requests that can be read and not assigned to: in other libraries `req.session = null` signs out, and
 * here it would do nothing.
 */
export function attachAs<Data extends object>(name: string): Attach<Data> {
  const slot = Symbol(name);
  const descriptor: PropertyDescriptor & ThisType<Record<symbol, unknown>> = {
    get() {
      return this[slot];
    },
    set() {
      throw new TypeError(
        `Cannot assign to request.${name}: change it with ${name}.set(key, value), end it with ${name}.destroy()`,
      );
    },
    enumerable: true,
    configurable: true,
  };
  return (request, session) => {
    (request as unknown as Record<symbol, unknown>)[slot] = session;
    Object.defineProperty(request, name, descriptor);
  };
}
