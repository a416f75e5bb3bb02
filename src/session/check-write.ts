import { SessionError } from "../errors.ts";
import { foreignMessage } from "../http/foreign.ts";
import type { SessionState } from "./state.ts";

/** Throws the `SessionError` that says why a session takes no changes; returns if it takes them. */
export function checkWrite({ closed, destroyed, loaded, request }: SessionState): void {
  if (closed)
    throw new SessionError(
      "session_committed",
      "The session was committed already: change it before the response is returned",
    );
  if (destroyed) throw new SessionError("session_destroyed", "The session was destroyed in this request");
  if (loaded.status === "unavailable")
    throw new SessionError("session_unavailable", "The store failed, and this anonymous session takes no changes");
  if (loaded.status === "foreign") throw new SessionError("foreign_request", foreignMessage(request));
}
