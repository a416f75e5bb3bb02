import { SessionError } from "../errors.ts";
import type { Additions } from "../http/response.ts";
import { stateOf } from "../session/request-session.ts";
import { goOnWith, type SessionState, takeBack, takeChanges } from "../session/state.ts";
import type { Context } from "./load.ts";

/** Stores what was done to a session so far, and leaves it open. Saves of one session follow one another. */
export async function save(context: Context, session: object, deliverable: boolean): Promise<Additions> {
  const state = stateOf(session);
  if (state.closed) throw new SessionError("session_committed", "The session was committed already; save it before");
  if (state.loaded.status === "unavailable" || state.loaded.status === "foreign")
    return { setCookie: [], accessed: state.accessed };
  const saving = (state.saving ?? Promise.resolve()).catch(() => {}).then(() => saveNow(context, state, deliverable));
  state.saving = saving;
  return { setCookie: await saving, accessed: state.accessed };
}

async function saveNow(
  { backend, settings }: Context,
  state: SessionState,
  deliverable: boolean,
): Promise<readonly string[]> {
  const part = takeChanges(state);
  try {
    const { cookies, loaded } = await backend.save(part, deliverable);
    goOnWith(state, part, loaded, settings);
    if (cookies.length > 0) state.unsent = cookies;
    return cookies;
  } catch (error) {
    takeBack(state, part);
    throw error;
  }
}
