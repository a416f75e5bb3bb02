import type { Sessions } from "../../src/index.ts";
import type { PropertySession } from "./property-session.ts";
import type { CookieAttributes } from "./session-cookie.ts";

/** Names the user that the data of a session belongs to. */
export type SubjectOf<Data extends object = Record<string, unknown>> = (
  data: Readonly<Partial<Data>>,
) => string | number | null | undefined;

/** What is the same for all requests of an application whose sessions have properties. */
export interface PropertyOptions<Data extends object = Record<string, unknown>> {
  readonly sessions: Sessions<Data>;
  readonly subject: SubjectOf<Data> | undefined;
  /** What `session` is an instance of. */
  readonly Session: typeof PropertySession;
  /** What `session.cookie` shows. */
  readonly attributes: CookieAttributes;
  /** Milliseconds; `null` for as long as the browser. */
  readonly maxAge: number | null;
  /** Milliseconds; the most that one session may have. */
  readonly idle: number;
  readonly saveUninitialized: boolean;
  readonly unset: "destroy" | "keep";
}

/** The options of an application that brings its own sessions. */
export function propertyOptions<Data extends object>(
  sessions: Sessions<Data>,
  subject: SubjectOf<Data> | undefined,
  Session: typeof PropertySession,
): PropertyOptions {
  const shared = {
    subject,
    Session,
    attributes: DEFAULT_ATTRIBUTES,
    maxAge: null,
    idle: Number.POSITIVE_INFINITY,
    saveUninitialized: false,
  };
  return { ...shared, sessions, unset: "keep" } as unknown as PropertyOptions;
}

const DEFAULT_ATTRIBUTES: CookieAttributes = {
  path: "/",
  domain: undefined,
  httpOnly: true,
  secure: true,
  sameSite: "lax",
  partitioned: false,
  priority: undefined,
};
