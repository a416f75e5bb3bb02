// cspell:ignore prerendered
/**
 * Sessions in SvelteKit: {@link sessionHandle} puts the session on `event.locals.session`.
 *
 * @module
 */
import { type Session, type SessionCookie, type Sessions, sessionCookies, withSessionHeaders } from "../src/index.ts";
import { prerenderedSession } from "./shared/prerendered-session.ts";

/** Options of {@link sessionHandle}. */
export interface SessionHandleOptions<Name extends string = "session"> {
  /** The property of `event.locals` that holds the session. Default `"session"`; a second kind needs its own name. */
  as?: Name;
}

/** What is used of SvelteKit's `RequestEvent`. */
export interface SvelteKitEvent<Locals extends object> {
  /** The request of the browser, or one of `event.fetch`. */
  readonly request: Request;
  /** As `App.Locals` declares it. */
  readonly locals: Locals;
  /** Whether the client asks for the data of a page, rather than for the page. */
  readonly isDataRequest: boolean;
  /** The cookies of the response. */
  readonly cookies: {
    /** Sets one. */
    set(name: string, value: string, options: SvelteKitCookieOptions): void;
  };
}

/** What a cookie of the session is set with. */
export interface SvelteKitCookieOptions extends Omit<SessionCookie, "name" | "value"> {
  /** The value goes over the wire as it is. */
  readonly encode: (value: string) => string;
}

/**
 * A `handle` of SvelteKit. It fits where `App.Locals` declares the session: `interface Locals { session: Session<Data>
 * }`.
 */
export type SessionHandle<Data extends object, Name extends string = "session"> = <
  Event extends SvelteKitEvent<{ [Key in Name]: Session<Data> }>,
>(input: {
  event: Event;
  resolve: (event: Event) => Response | Promise<Response>;
}) => Promise<Response>;

/**
 * The `handle` of `src/hooks.server.ts`, alone or in `sequence`: puts the session on `event.locals.session`, and
 * commits it when the page, endpoint or form action has answered. A `redirect()` or `error()` is an answer, also one
 * that a later hook throws: what was set before it is stored. Hooks before this one have no session. While pages are
 * prerendered the session is empty, and a change of it throws `session_unavailable`.
 *
 * An `error()` of a later hook is SvelteKit's to show, but where a new cookie has to go with it: SvelteKit lets that
 * page carry none, so it is a plain one of ours.
 *
 * @throws TypeError when `as` is not the name of a property
 * @example
 * ```ts
 * // src/hooks.server.ts
 * export const handle: Handle = sessionHandle(sessions);
 * // src/app.d.ts
 * declare global {
 *   namespace App {
 *     interface Locals {
 *       session: Session<Data>;
 *     }
 *   }
 * }
 * ```
 */
export function sessionHandle<Data extends object, const Name extends string = "session">(
  sessions: Sessions<Data>,
  options: SessionHandleOptions<Name> = {},
): SessionHandle<Data, Name> {
  const as: string = options.as ?? "session";
  if (typeof sessions?.wrap !== "function") throw new TypeError("Pass the sessions that createSessions() returned");
  if (typeof as !== "string" || as === "") throw new TypeError('as must be the name of a property, such as "staff"');

  const run = sessions.wrap(
    (_request: Request, session, { event, resolve }: Call) => {
      event.locals[as] = session;
      return resolve(event);
    },
    {
      keepOn: (thrown) => isRedirect(thrown) || isHttpError(thrown),
      deliver(headers, thrown, _request, call) {
        if (isHttpError(thrown)) call.undelivered = headers;
        else
          for (const { name, value, ...rest } of sessionCookies(headers))
            call.setCookie(name, value, { ...rest, encode });
      },
    },
  );

  const handle = async ({ event, resolve }: Pick<Call, "event" | "resolve">): Promise<Response> => {
    if (isBuilding()) {
      event.locals[as] = await prerenderedSession(
        sessions,
        event.request.url,
        "look at `building` of $app/environment, or of $app/env",
      );
      return resolve(event);
    }
    // SvelteKit refuses a cookie once the route has answered by replacing this method, and a later hook may still throw
    const call: Call = { event, resolve, setCookie: event.cookies.set, undelivered: undefined };
    try {
      const response = await run(event.request, call);
      return isDataRedirect(event, response) ? asData(response) : response;
    } catch (thrown) {
      const { undelivered } = call;
      if (!isHttpError(thrown) || undelivered === undefined || undelivered.getSetCookie().length === 0) throw thrown;
      return withSessionHeaders(errorPage(event, thrown), undelivered);
    }
  };
  return handle as unknown as SessionHandle<Data, Name>;
}

/** One call of the hook. */
interface Call {
  readonly event: SvelteKitEvent<Record<string, unknown>>;
  readonly resolve: (event: Call["event"]) => Response | Promise<Response>;
  readonly setCookie: Call["event"]["cookies"]["set"];
  /** The headers of a commit whose answer SvelteKit would send without cookies. */
  undelivered: Headers | undefined;
}

const encode = (value: string): string => value;

/**
 * Set in the workers in which `vite build` runs the application. `$app/environment` can only be imported by what Vite
 * bundles.
 */
function isBuilding(): boolean {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env?.SVELTEKIT_FORK !== undefined;
}

interface HttpError {
  readonly status: number;
  readonly body: { readonly message: string };
}

/** What `redirect()` throws, by its fields: there may be a second copy of SvelteKit. It is no `Error`. */
function isRedirect(thrown: unknown): boolean {
  const { status, location } = Object(thrown) as { status?: unknown; location?: unknown };
  return !(thrown instanceof Error) && isIn(status, 300, 308) && typeof location === "string";
}

/** What `error()` throws. */
function isHttpError(thrown: unknown): thrown is HttpError {
  const { status, body } = Object(thrown) as Partial<HttpError>;
  return !(thrown instanceof Error) && isIn(status, 400, 599) && typeof Object(body).message === "string";
}

function isIn(status: unknown, from: number, to: number): boolean {
  return typeof status === "number" && status >= from && status <= to;
}

/** A redirect that SvelteKit would answer anew for its client, without the cookies on it. */
function isDataRedirect({ isDataRequest }: Call["event"], { status, headers }: Response): boolean {
  return isDataRequest && isIn(status, 300, 308) && headers.has("location") && headers.getSetCookie().length > 0;
}

/** What SvelteKit makes of a redirect for its client, with the cookies. */
function asData({ status, headers }: Response): Response {
  const data = Response.json({ type: "redirect", status, location: headers.get("location") });
  data.headers.set("cache-control", "private, no-store");
  data.headers.set("vary", headers.get("vary") ?? "Cookie");
  for (const line of headers.getSetCookie()) data.headers.append("set-cookie", line);
  return data;
}

function errorPage({ request, isDataRequest }: Call["event"], { status, body }: HttpError): Response {
  const accept = request.headers.get("accept") ?? "";
  if (isDataRequest || (accept.includes("application/json") && !accept.includes("text/html")))
    return Response.json(body, { status });
  const message = body.message.replace(/[&<]/g, (character) => `&#${character.charCodeAt(0)};`);
  const html = `<!doctype html><meta charset="utf-8"><title>${message}</title><h1>${status}</h1><p>${message}</p>`;
  return new Response(html, { status, headers: { "content-type": "text/html; charset=utf-8" } });
}
