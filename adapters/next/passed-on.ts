import { addSessionHeaders, type SessionCookie, sessionCookies, withSessionHeaders } from "../../src/index.ts";

/*
 * What the proxy answers where the request goes on to a page or a route handler. Next takes such an answer by its
 * headers: those that begin with `x-middleware-` are for itself, and all others go on the response to come.
 */

const NEXT = "x-middleware-next";
const REWRITE = "x-middleware-rewrite";
/** The names of all headers that the request shall go on with. */
const OVERRIDE = "x-middleware-override-headers";
/** The value of each of them. */
const REQUEST_HEADER = "x-middleware-request-";

/** What `NextResponse.next()` gives. */
export function next(): Response {
  return new Response(null, { headers: { [NEXT]: "1" } });
}

/** Whether the request goes on. */
export function goesOn({ headers }: Response): boolean {
  return headers.has(NEXT) || headers.has(REWRITE);
}

/**
 * The answer with the cookies of the session, which whatever comes after the proxy sees as well. Nothing about caching
 * where nobody looked at the session: that is decided where the response is made.
 */
export function passedOn(response: Response, request: Request, additions: Headers): Response {
  if (!isLookedAt(additions)) return response;
  const answer = withSessionHeaders(response, additions);
  const cookies = sessionCookies(additions).filter(({ value }) => value !== "");
  if (cookies.length > 0) passOn(answer.headers, request, cookies);
  return answer;
}

/** Whether the session has something to say about a response that says itself how it is cached. */
function isLookedAt(additions: Headers): boolean {
  const target = new Headers({ "cache-control": "private" });
  addSessionHeaders(target, additions);
  return target.has("vary");
}

/** Behind the cookies that were sent, for the reason that `cookieHeader` gives. */
function passOn(headers: Headers, request: Request, cookies: readonly SessionCookie[]): void {
  const names = new Set(headers.get(OVERRIDE)?.split(","));
  if (names.size === 0) {
    for (const [name, value] of request.headers) {
      names.add(name);
      headers.set(REQUEST_HEADER + name, value);
    }
  }
  const sent = names.has("cookie") ? headers.get(`${REQUEST_HEADER}cookie`) : null;
  const pairs = cookies.map(({ name, value }) => `${name}=${value}`);
  headers.set(`${REQUEST_HEADER}cookie`, [...(sent ? [sent] : []), ...pairs].join("; "));
  headers.set(OVERRIDE, [...names.add("cookie")].join(","));
}
