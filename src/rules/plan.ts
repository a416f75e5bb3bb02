import { type Lifetime, rotationDue, touchDue } from "./lifetime.ts";

/** What a commit is to do. */
export type Plan =
  /** Nothing is stored. */
  | "nothing"
  /** The session was ended meanwhile: its changes go nowhere, and an event says so. */
  | "drop"
  /** A visitor's first write, or a sign-in without a living session: a new record under a new token. */
  | "create"
  /** Changed data under the same token. */
  | "update"
  /** Only the expiry moves. */
  | "touch"
  /** A new token that everyone who holds the old one is led to. */
  | "rotate"
  /** A new token, and the old one opens nothing: sign-in, sign-out and `renew()`. */
  | "renew"
  | "destroy";

/** All that the decision depends on. */
export interface Situation {
  readonly status: "none" | "live" | "ended";
  readonly destroyed: boolean;
  readonly signedIn: boolean;
  readonly signedOut?: boolean;
  readonly renewed: boolean;
  /** Whether what would be stored differs from what is. */
  readonly changed: boolean;
  /** Whether it has no data at all; for what is not stored yet, and for what is left by a sign-out. */
  readonly empty: boolean;
  /** The presented token is the record's own, not one that was rotated away. */
  readonly direct: boolean;
  /** This is the first sight of a token that came from a rotation. */
  readonly unconfirmed: boolean;
  /** The request counts for the idle limit: `keepAlive` did not say no. */
  readonly keepsAlive: boolean;
  /** Whether the response can carry a cookie. */
  readonly deliverable: boolean;
  readonly renewedAt: number;
  readonly idleEnd: number;
}

/** The rules of commit in one place. The first that applies decides. */
export function planCommit(of: Situation, rotateEvery: number | false, lifetime: Lifetime, now: number): Plan {
  switch (of.status) {
    case "none":
      if (of.destroyed) return "nothing";
      return of.signedIn || (of.changed && !of.empty) ? "create" : "nothing";
    case "ended":
      if (of.destroyed) return "destroy"; // a logout that races with a sign-in still ends what the sign-in made
      if (of.signedOut && !of.signedIn) return "destroy"; // and so does a sign-out
      if (of.signedIn) return "create"; // so that nobody is locked out; with none of the old data
      return of.changed ? "drop" : "nothing";
    case "live":
      if (of.destroyed) return "destroy";
      if (of.signedOut && !of.signedIn && of.empty) return "destroy"; // nothing is left to be a visitor with
      if (of.signedIn || of.signedOut || of.renewed) return "renew";
      // A poll moves nothing by itself: any write but one of its own would move the expiry
      if (!of.keepsAlive) return of.changed ? "update" : "nothing";
      // Only the holder of the live token rotates: whoever follows a forward is offered the successor that exists
      if (of.direct && of.deliverable && rotationDue(rotateEvery, of.renewedAt, now)) return "rotate";
      if (of.changed || (of.direct && of.unconfirmed)) return "update";
      return touchDue(of.idleEnd, now, lifetime) ? "touch" : "nothing";
  }
}
