/** A cookie as fields, for frameworks that set cookies by name, value and options. */
export interface SessionCookie {
  /** Such as `__Host-Http-session`. */
  readonly name: string;
  /** As it goes over the wire: it needs no encoding. Empty where the cookie is removed. */
  readonly value: string;
  /** The path that the cookie is for. */
  readonly path: string;
  /** Always true for a session. */
  readonly httpOnly: boolean;
  /** True but under `secure: "auto"` in development. */
  readonly secure: boolean;
  /** In lower case. */
  readonly sameSite: "lax" | "strict" | "none";
  /** Seconds; 0 removes the cookie. Absent: it ends with the browser session. */
  readonly maxAge?: number;
  /** The same as a date. */
  readonly expires?: Date;
  /** Absent: the host that set it alone. */
  readonly domain?: string;
  /** Absent where it is not. */
  readonly partitioned?: boolean;
  /** Chromium's eviction order. */
  readonly priority?: "low" | "medium" | "high";
}

/**
 * The cookies that `commit` returned, as fields. For frameworks that take no header lines, such as Next's `cookies()`
 * and SvelteKit's `event.cookies`; where headers can be set, `addSessionHeaders` does more.
 *
 * @example
 * ```ts
 * for (const { name, value, ...options } of sessionCookies(await sessions.commit(session))) {
 *   cookies.set(name, value, options);
 * }
 * ```
 */
export function sessionCookies(headers: Pick<Headers, "getSetCookie">): SessionCookie[] {
  return headers.getSetCookie().map(fieldsOf);
}

function fieldsOf(line: string): SessionCookie {
  const [pair = "", ...parts] = line.split(";");
  const attributes = new Map(
    parts.map((part) => split(part.trim())).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const [name, value] = split(pair);
  const maxAge = attributes.get("max-age");
  const expires = attributes.get("expires");
  const domain = attributes.get("domain");
  const priority = attributes.get("priority")?.toLowerCase() as SessionCookie["priority"];
  return {
    name,
    value,
    path: attributes.get("path") ?? "/",
    httpOnly: attributes.has("httponly"),
    secure: attributes.has("secure"),
    sameSite: (attributes.get("samesite") ?? "lax").toLowerCase() as SessionCookie["sameSite"],
    ...(maxAge !== undefined && { maxAge: Number(maxAge) }),
    ...(expires !== undefined && { expires: new Date(expires) }),
    ...(domain !== undefined && { domain }),
    ...(attributes.has("partitioned") && { partitioned: true }),
    ...(priority !== undefined && { priority }),
  };
}

/** Split at the first "=", since a value may hold more of them. */
function split(text: string): [string, string] {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
