import type { Binding } from "./binding.ts";
import { callBack, type Done } from "./property-session.ts";

/**
 * `req.sessionStore`: what of an express-session store has a meaning where a store holds no id that opens anything. It
 * knows the request's own session and, where the `subject` option says whose that is, the same user's other ones.
 */
export class SessionStoreView {
  readonly #binding: Binding;

  /** Made by the middleware, one for each request. */
  constructor(binding: Binding) {
    this.#binding = binding;
  }

  /** Calls back with the data of the request's session, as it is stored by now. */
  get(id: string, done: (error: unknown, data?: Record<string, unknown>) => void): void {
    this.#binding.stored(id).then(
      (data) => process.nextTick(done, null, data),
      (error) => process.nextTick(done, error),
    );
  }

  /** Ends the request's session, or another one of the same user. */
  destroy(id: string, done?: Done): void {
    callBack(this.#binding.end(id), done);
  }

  /** An empty session with a new id in place of the request's. */
  regenerate(_request: object, done?: Done): void {
    callBack(this.#binding.regenerate([]), done);
  }

  /** The same at once; a session that the request destroyed gets a successor. */
  generate(_request: object): void {
    this.#binding.generate();
  }
}
