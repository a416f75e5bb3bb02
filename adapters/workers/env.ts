import type { Session, Sessions } from "../../src/index.ts";

/**
 * A binding of `env`, which must be there: a KV namespace, a database, a Durable Object namespace, a secret.
 *
 * @throws {TypeError} with the binding's name when `env` lacks it.
 * @example
 * ```ts
 * const sessions = sessionsFromEnv((env: Env) => createSessions({ store: kvStore(binding(env, "SESSIONS")) }));
 * ```
 */
export function binding<Env extends object, Name extends keyof Env & string>(
  env: Env,
  name: Name,
): NonNullable<Env[Name]> {
  const value = env[name];
  if (value === undefined || value === null) {
    throw new TypeError(
      `The binding "${name}" is missing in env: add it to the configuration of this worker and environment`,
    );
  }
  return value;
}

/**
 * Sessions of a worker that gets its bindings with each request: `wrap` and `wrapLazy` as on `Sessions`, with `env` as
 * the second argument.
 */
export interface EnvSessions<Env extends object, Data extends object> {
  /**
   * The sessions of this `env`: made at the first call, the same ones ever after. For `list`, `revoke`, `sweep` and the
   * rest.
   */
  of(env: Env): Sessions<Data>;
  /** As `wrap` of `Sessions`. */
  wrap<Rest extends unknown[]>(
    handler: (request: Request, session: Session<Data>, env: Env, ...rest: Rest) => Response | Promise<Response>,
  ): (request: Request, env: Env, ...rest: Rest) => Promise<Response>;
  /** As `wrapLazy` of `Sessions`. */
  wrapLazy<Rest extends unknown[]>(
    handler: (
      request: Request,
      open: () => Promise<Session<Data>>,
      env: Env,
      ...rest: Rest
    ) => Response | Promise<Response>,
  ): (request: Request, env: Env, ...rest: Rest) => Promise<Response>;
}

/**
 * One manager of sessions for each `env`, for workers that get their bindings with the request. A worker that imports
 * `env` from `cloudflare:workers` does not need it: it can call `createSessions` in the module.
 *
 * What `make` throws, a binding that is missing for example, is thrown at the first request, and at the next.
 *
 * @example
 * ```ts
 * const sessions = sessionsFromEnv((env: Env) =>
 *   createSessions<Data>({ store: durableObjectStore(binding(env, "SESSIONS")) }),
 * );
 *
 * export default {
 *   fetch: sessions.wrap((request, session, env, ctx: ExecutionContext) => Response.json(session.all())),
 *   scheduled: (_event: unknown, env: Env) => sessions.of(env).sweep(),
 * };
 * ```
 */
export function sessionsFromEnv<Env extends object, Data extends object>(
  make: (env: Env) => Sessions<Data>,
): EnvSessions<Env, Data> {
  const made = new WeakMap<Env, Sessions<Data>>();

  function of(env: Env): Sessions<Data> {
    const known = made.get(env);
    if (known) return known;
    const sessions = make(env);
    made.set(env, sessions);
    return sessions;
  }

  return {
    of,
    wrap: (handler) =>
      async function fetch(request, env, ...rest) {
        return of(env).wrap(handler)(request, env, ...rest);
      },
    wrapLazy: (handler) =>
      async function fetch(request, env, ...rest) {
        return of(env).wrapLazy(handler)(request, env, ...rest);
      },
  };
}
