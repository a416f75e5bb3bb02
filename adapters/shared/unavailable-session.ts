import { createSessions, type Session, type SessionStore, type Sessions } from "../../src/index.ts";

/**
 * The session of a request whose own could not be loaded: empty, and a write throws `session_unavailable`. An error
 * page that looks at the session must not fail for it.
 */
export function unavailableSession<Data extends object>(): Session<Data> {
  unavailable ??= createSessions<never>({ store: FAILING, onStoreFailure: "anonymous" });
  const headers = { get: (name: string) => (name === "cookie" ? `__Host-Http-session=${"A".repeat(43)}` : null) };
  const session: unknown = unavailable.loadFrom({ url: "https://unavailable.invalid/", headers });
  return session as Session<Data>;
}

let unavailable: Sessions<never> | undefined;

const refuse = (): never => {
  throw new Error("no session was loaded");
};

/** Throws at once, so that no promise is made. */
const FAILING: SessionStore = { read: refuse, create: refuse, update: refuse, delete: refuse };
