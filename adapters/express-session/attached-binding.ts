import type { Sessions } from "../../src/index.ts";
import type { Binding } from "./binding.ts";
import { SessionStoreView } from "./session-store.ts";

const BINDING: unique symbol = Symbol("session with properties");

type Bound = { [BINDING]?: Binding };

const SESSION: PropertyDescriptor & ThisType<Bound> = {
  get() {
    return this[BINDING]?.value;
  },
  set(value: unknown) {
    if (this[BINDING]) this[BINDING].value = value;
  },
  enumerable: true,
  configurable: true,
};

const SESSION_ID: PropertyDescriptor & ThisType<Bound> = {
  get() {
    return this[BINDING]?.id;
  },
  // Some middleware wants to set it anew; what it sets is not the id of anything
  set() {},
  enumerable: true,
  configurable: true,
};

/** The session that a request, or a context of Koa, carries. */
export function bindingOf(carrier: object): Binding | undefined {
  return (carrier as Bound)[BINDING];
}

/**
 * Puts `session`, `sessionID` and `sessionStore` on a request. The accessors are the same for all requests: closures
 * would give each a shape of its own.
 */
export function attachBinding(carrier: object, binding: Binding): void {
  (carrier as Bound)[BINDING] = binding;
  Object.defineProperty(carrier, "session", SESSION);
  Object.defineProperty(carrier, "sessionID", SESSION_ID);
  (carrier as { sessionStore?: SessionStoreView }).sessionStore = new SessionStoreView(binding);
}

/** What holds the head of a response commits a binding by it, as it commits other sessions by theirs. */
export const HOLDER: Pick<Sessions<never>, "commitTo"> = {
  commitTo: (binding: unknown, headers, { deliverable = true } = {}) =>
    (binding as Binding).commitTo(headers, deliverable),
};
