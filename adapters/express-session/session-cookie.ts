/** The attributes that the cookie is sent with; the same for every session. */
export interface CookieAttributes {
  /** `Path`. */
  readonly path: string;
  /** `Domain`, if there is one. */
  readonly domain: string | undefined;
  /** Always true. */
  readonly httpOnly: true;
  /** `"auto"`: as the request came. */
  readonly secure: true | "auto";
  /** `SameSite`. */
  readonly sameSite: "lax" | "strict" | "none";
  /** `Partitioned`. */
  readonly partitioned: boolean;
  /** `Priority`, if there is one. */
  readonly priority: "low" | "medium" | "high" | undefined;
}

const ATTRIBUTES = ["path", "domain", "httpOnly", "secure", "sameSite", "partitioned", "priority"] as const;

/**
 * `req.session.cookie`, as express-session has it: how long the session lives, in milliseconds, which may be set for
 * one session; and how the cookie is sent, which may not.
 */
export class SessionCookie {
  /** `Path`. */
  declare readonly path: string;
  /** `Domain`, if there is one. */
  declare readonly domain: string | undefined;
  /** Always true. */
  declare readonly httpOnly: true;
  /** `"auto"`: as the request came. */
  declare readonly secure: true | "auto";
  /** `SameSite`. */
  declare readonly sameSite: "lax" | "strict" | "none";
  /** `Partitioned`. */
  declare readonly partitioned: boolean;
  /** `Priority`, if there is one. */
  declare readonly priority: "low" | "medium" | "high" | undefined;
  /** Milliseconds for which the session lives without a request, as it was set; `null` for as long as the browser. */
  originalMaxAge: number | null;
  #expires: Date | null;
  readonly #attributes: CookieAttributes;
  readonly #most: number;

  static {
    for (const name of ATTRIBUTES) {
      Object.defineProperty(SessionCookie.prototype, name, {
        get(this: SessionCookie) {
          return this.#attributes[name];
        },
        set(this: SessionCookie, value: unknown) {
          if (value === this.#attributes[name]) return;
          throw new TypeError(`Cannot set cookie.${name} for one session; it is an option of all of them`);
        },
        configurable: true,
      });
    }
  }

  /** Made by the middleware, one for each session. */
  constructor({ attributes, idle }: { attributes: CookieAttributes; idle: number }, maxAge: number | null) {
    this.#attributes = attributes;
    this.#most = idle;
    this.originalMaxAge = maxAge;
    this.#expires = maxAge === null ? null : new Date(Date.now() + maxAge);
  }

  /** When the session ends if no request comes; `null`: with the browser. Any falsy value means the latter. */
  get expires(): Date | null {
    return this.#expires;
  }
  set expires(value: Date | null | false | undefined) {
    if (value && Number.isNaN(toTime(value))) throw new TypeError("cookie.expires must be a valid Date or null");
    this.maxAge = value ? toTime(value) - Date.now() : null;
  }

  /** Milliseconds until then; `null`: until the browser ends. */
  get maxAge(): number | null {
    return this.#expires === null ? null : this.#expires.getTime() - Date.now();
  }
  set maxAge(ms: number | null | false | undefined) {
    const age = ms === undefined || ms === false ? null : ms;
    if (age !== null && !Number.isFinite(age))
      throw new TypeError("cookie.maxAge must be a number of milliseconds, or null");
    if (age !== null && age > this.#most)
      throw new RangeError(`cookie.maxAge is above lifetime.idle, which is ${this.#most / 1000} seconds: raise that`);
    this.#expires = age === null ? null : new Date(Date.now() + age);
    this.originalMaxAge = age;
  }

  /** All of it, as express-session's `cookie.data`. */
  get data(): Record<string, unknown> {
    return { originalMaxAge: this.originalMaxAge, expires: this.#expires, ...this.#attributes };
  }

  /** What `JSON.stringify` takes. */
  toJSON(): Record<string, unknown> {
    return this.data;
  }
}

function toTime(value: Date): number {
  return typeof value.getTime === "function" ? value.getTime() : Number.NaN;
}
