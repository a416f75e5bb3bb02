import { type Session, SessionError } from "../../src/index.ts";
import { apply, asStored, type Copies, diff, isSame, type Patch } from "./patch.ts";
import type { SubjectOf } from "./property-options.ts";
import { COOKIE_KEY, isReserved, type PropertySession } from "./property-session.ts";

type Data = Record<string, unknown>;

/** What the application made of the data. */
export interface Changes {
  /** The data as a later request reads it. */
  readonly data: Data;
  readonly patches: readonly (readonly [key: string, patch: Patch])[];
}

/** What differs from `before` in the properties of a session, in the form in which it is stored. */
export function changesOf(
  object: PropertySession,
  before: Data,
  copies: Copies,
  Session: typeof PropertySession,
): Changes {
  const live = object as unknown as Data;
  const data: Data = {};
  const patches: [string, Patch][] = [];
  for (const key of Object.keys(object)) {
    if (key === COOKIE_KEY) continue;
    if (isReserved(key, Session)) {
      if (typeof live[key] === "function") continue;
      throw reservedError(key);
    }
    const known = Object.hasOwn(before, key) ? before[key] : undefined;
    const after = isSame(known, live[key]) ? known : asStored(live[key], key);
    if (after !== undefined) data[key] = after;
    const patch = diff(known, after, live[key], copies);
    if (patch) patches.push([key, patch]);
  }
  for (const key of Object.keys(before)) {
    if (!Object.hasOwn(live, key) && !isReserved(key, Session)) patches.push([key, { type: "remove" }]);
  }
  return { data, patches };
}

/** Names a user by the data, in the form that `signIn` takes. */
function subjectIn(data: Data, subjectOf: SubjectOf): string | undefined {
  const subject = subjectOf(data);
  if (subject === undefined || subject === null) return undefined;
  if (typeof subject === "string" || typeof subject === "number") return String(subject);
  throw new TypeError("subject must return the user's id, a string or a number; undefined or null for nobody");
}

/**
 * Does to a session what the application did to the object. Each key becomes an `update` by a patch: run again on what
 * another request has stored meanwhile, it keeps both.
 */
export function transfer(
  session: Session,
  { data, patches }: Changes,
  subjectOf: SubjectOf | undefined,
  signIn: NonNullable<Parameters<Session["signIn"]>[1]>,
): void {
  if (subjectOf && patches.length > 0) {
    const was = session.subject;
    const is = subjectIn(data, subjectOf);
    if (is === undefined && was !== undefined) session.signOut({ keep: Object.keys(session.all()) });
    if (is !== undefined && is !== was) {
      session.signIn(is, signIn);
      if (was !== undefined) {
        // What belonged to another user was cleared. What the application left there it meant to keep
        for (const [key, value] of Object.entries(data)) session.set(key, value);
        return;
      }
    }
  }
  for (const [key, patch] of patches) {
    if (patch.type === "remove") session.delete(key);
    else if (patch.type === "assign") session.set(key, patch.value);
    else session.update(key, (stored) => apply(patch, stored));
  }
}

function reservedError(key: string): SessionError {
  return new SessionError("value_not_storable", `Cannot store "${key}": it is a method or property of every session`);
}
