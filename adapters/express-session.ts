/**
 * Express sessions with properties, `req.session.views = 1`, as express-session has them: {@link session} takes its
 * place, for applications and middleware that are written for it.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { Awaitable, Session, Sessions } from "../src/index.ts";
import { attachBinding, bindingOf, HOLDER } from "./express-session/attached-binding.ts";
import { Binding } from "./express-session/binding.ts";
import { type ExpressSessionOptions, resolveExpressOptions } from "./express-session/options.ts";
import type { PropertyOptions } from "./express-session/property-options.ts";
import type { WithProperties } from "./express-session/property-session.ts";
import type { SessionStoreView } from "./express-session/session-store.ts";
import { holdHeaders } from "./node/hold-headers.ts";
import { canHold, isPromise, throwUncaught } from "./node/no-response.ts";
import { requestOf } from "./node/node-request.ts";
import type { SessionMiddleware } from "./node.ts";
import { unavailableSession } from "./shared/unavailable-session.ts";

export type { ExpressCookieOptions, ExpressSessionOptions } from "./express-session/options.ts";
export type { SubjectOf } from "./express-session/property-options.ts";
export type { Done, PropertySession } from "./express-session/property-session.ts";
export type { CookieAttributes, SessionCookie } from "./express-session/session-cookie.ts";
export type { SessionStoreView } from "./express-session/session-store.ts";

/**
 * A request after {@link session}. Name it in your own declarations: `declare global { namespace Express { interface
 * Request extends WithSession<Data> {} } }`; or keep `@types/express-session`, which fits as well.
 */
export interface WithSession<Data extends object = Record<string, unknown>> extends WithProperties<Data> {
  /** The same as `session.id`. */
  readonly sessionID: string | undefined;
  /** What express-session calls its store, as far as ours can answer. */
  readonly sessionStore: SessionStoreView;
}

/** What {@link session} returns: middleware, with the sessions that it serves. */
export interface ExpressSessionMiddleware<Data extends object = Record<string, unknown>> extends SessionMiddleware {
  /** For `list`, `revoke`, `revokeAll` and `sweep`, and for `load` where no middleware runs. */
  readonly sessions: Sessions<Data>;
}

/**
 * Middleware that puts a session with properties on `req.session`, in place of express-session's.
 *
 * What the request changed is stored before the status line and headers leave: nested objects and arrays path by path,
 * so that overlapping requests keep each other's changes; of two assignments to one path the later one stays. After
 * that a change throws. A visitor for whom nothing is to be remembered gets no cookie.
 *
 * @throws TypeError, RangeError for an option that cannot mean what it means in express-session, with what to write
 * @example
 * ```ts
 * const app = express();
 * app.use(session({ subject: (data) => data.passport?.user }));
 * app.get("/", (req, res) => {
 *   req.session.views = (req.session.views ?? 0) + 1;
 *   res.send(`visit ${req.session.views}`);
 * });
 * ```
 */
export function session<Data extends object = Record<string, unknown>>(
  options: ExpressSessionOptions<Data> = {},
): ExpressSessionMiddleware<Data> {
  const resolved = resolveExpressOptions(options) as unknown as PropertyOptions;
  const { sessions, attributes } = resolved;

  const middleware: SessionMiddleware = (request, response, next) => {
    // As in express-session: where there is a session already it does nothing, and outside of its path there is none
    if (
      bindingOf(request) ||
      (request as { session?: unknown }).session ||
      !pathOf(request).startsWith(attributes.path)
    ) {
      next();
      return;
    }
    const begin = (loaded: Session): void => {
      const binding = new Binding(resolved, loaded, requestOf(request));
      attachBinding(request, binding);
      if (!canHold(request, response) || !holdHeaders(response, HOLDER, binding, next)) binding.expectNoAnswer();
    };
    const failed = (error: unknown): void => {
      attachBinding(request, new Binding(resolved, unavailableSession(), requestOf(request), true));
      next(error);
    };
    let beginning: Awaitable<void>;
    try {
      const loading = sessions.loadFrom(requestOf(request));
      beginning = isPromise(loading) ? loading.then(begin) : begin(loading);
    } catch (error) {
      failed(error);
      return;
    }
    if (beginning === undefined) next();
    else beginning.then(() => next(), failed).catch(throwUncaught);
  };
  return Object.assign(middleware, { sessions: sessions as unknown as Sessions<Data> });
}

function pathOf(request: IncomingMessage & { originalUrl?: string }): string {
  return request.originalUrl || request.url || "/";
}

export default session;
