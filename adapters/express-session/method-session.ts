import { type Done, PropertySession } from "./property-session.ts";

/** A session with properties and with the methods that the plugins of Fastify call. */
export class MethodSession extends PropertySession {
  /** The property of that name. */
  get(key: string): unknown {
    return (this as unknown as Record<string, unknown>)[key];
  }

  /** Sets the property of that name; `undefined` deletes it. */
  set(key: string, value: unknown): void {
    const data = this as unknown as Record<string, unknown>;
    if (value === undefined) delete data[key];
    else data[key] = value;
  }

  /** Deletes the property of that name. */
  delete(key: string): void {
    this.set(key, undefined);
  }

  /** A session with a new id in place of this one, with the values of the keys `keep`, by default none. */
  override regenerate(keep?: readonly string[] | Done, done?: Done): this | Promise<void> {
    return typeof keep === "function" ? this.renew([], keep) : this.renew(keep ?? [], done);
  }
}
