import type { Awaitable, RequestLike, Session, Sessions } from "../../src/index.ts";
import { attachAs } from "../node/attached-session.ts";
import type { Waiting } from "../node/held-response.ts";
import { commitUnsent } from "../node/no-response.ts";
import { unavailableSession } from "../shared/unavailable-session.ts";
import { attachBinding, HOLDER } from "./attached-binding.ts";
import { Binding } from "./binding.ts";
import { propertyOptions, type SubjectOf } from "./property-options.ts";
import type { PropertySession } from "./property-session.ts";

/** What the plugins of Fastify and Koa may be told about the session. */
export interface CarrierOptions<Data extends object = Record<string, unknown>> {
  /** The property that holds the session, for a second kind of sessions. Default `"session"`. */
  as?: string;
  /** A session with properties, `session.views = 1`, for what is written for such. Default `false`. */
  properties?: boolean;
  /** With `properties`: who is signed in, from the data; for Passport `(data) => data.passport?.user`. */
  subject?: SubjectOf<Data>;
}

/** Puts sessions on what carries them: a request of Fastify, a context of Koa. */
export interface Carrying {
  /** Returns what the head of the response waits for. */
  attach(carrier: object, request: RequestLike, session: Session): Pick<Waiting, "sessions" | "session">;
  /** For an error page whose session could not be loaded: empty, and it refuses changes. */
  attachNone(carrier: object, request: RequestLike): void;
  /** No head will leave: a session without properties is committed, so that a change throws. */
  expectNoAnswer(attached: Pick<Waiting, "session">): Awaitable<void>;
}

export function carrying<Data extends object>(
  sessions: Sessions<Data>,
  { as = "session", properties = false, subject }: CarrierOptions<Data>,
  Kind: typeof PropertySession,
): Carrying {
  if (typeof sessions?.loadFrom !== "function") throw new TypeError("Pass the sessions that createSessions() returned");
  if (typeof as !== "string" || as === "") throw new TypeError("as must be the name of a property");
  if (!properties) {
    if (subject !== undefined) throw new TypeError("subject needs properties: true; elsewhere signIn() says who it is");
    const attach = attachAs<never>(as) as (carrier: object, session: Session) => void;
    return {
      attach(carrier, _request, session) {
        attach(carrier, session);
        return { sessions: sessions as unknown as Waiting["sessions"], session };
      },
      attachNone: (carrier) => attach(carrier, unavailableSession()),
      expectNoAnswer: ({ session }) => commitUnsent(sessions, session as Session<Data>),
    };
  }
  if (as !== "session") throw new TypeError("as cannot be combined with properties");
  const options = propertyOptions(sessions, subject, Kind);
  return {
    attach(carrier, request, session) {
      const binding = new Binding(options, session, request);
      attachBinding(carrier, binding);
      return { sessions: HOLDER, session: binding };
    },
    attachNone: (carrier, request) => attachBinding(carrier, new Binding(options, unavailableSession(), request, true)),
    expectNoAnswer: ({ session }) => (session as Binding).expectNoAnswer(),
  };
}
