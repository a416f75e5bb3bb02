/** The keys of a bucket, and the versions that sessions see. */
import type { Version } from "../../store.ts";
import type { Place } from "../envelope.ts";

/** What a version says, beside the revision. */
export interface State {
  readonly revision: number;
  readonly expiresAt: number;
  readonly place: Place | undefined;
}

/** The version of a text that is not ours: its revision is none, and its expiry long ago. */
export const DAMAGED = "0 0";

export function entryAt(key: string): string {
  return `session.${key}`;
}

export function nameOf(key: string, { subject, binding }: Place): string {
  return `subject.${subject}.${key}.${binding}`;
}

/** Of a session's name, or of one in the index. */
export function keyOf(name: string): string {
  const [kind, first = "", second = ""] = name.split(".");
  return kind === "session" ? first : second;
}

/** The version that sessions see holds expiry and place too, so that a write can judge them without having read. */
export function versionOf({ revision, expiresAt, place }: State): Version {
  return place ? `${revision} ${expiresAt} ${place.binding} ${place.subject}` : `${revision} ${expiresAt}`;
}

export function parseVersion(version: Version): State {
  const [revision, expiresAt, binding, subject] = String(version).split(" ");
  return {
    revision: Number(revision),
    expiresAt: Number(expiresAt),
    place: binding && subject ? { binding, subject } : undefined,
  };
}
