import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { SessionsOptions } from "@sojourn/session";
import type { MigrationSource } from "@sojourn/session/migrate";
import type { Browser, Fetch } from "./browser.ts";

/** A server on a library that people come from, and how ours takes its sessions over. */
export interface Peer {
  /** POST /login signs "ada" in with a cart, GET / says who is signed in. */
  readonly fetch: Fetch;
  readonly source: (more: { keepOld?: boolean }) => MigrationSource;
  /** The sessions are records of the old library, which end when they are taken over. */
  readonly isStored: boolean;
  /** Where more is needed than POST /login. */
  readonly login?: (browser: Browser) => Promise<void>;
  /** What the old session holds. Default {@link CART}. */
  readonly cart?: readonly string[];
  /** What our server has to be told in its place. */
  readonly options?: Omit<SessionsOptions, "migrateFrom">;
  /** Our cookie has the name of the old one, which it may take the place of at once. */
  readonly sameName?: boolean;
  readonly stop?: () => Promise<unknown>;
}

/** Starts a server. What it needs besides the packages stands in `needs`. */
export interface Row {
  readonly needs?: "redis" | "postgres" | "mariadb";
  readonly start: () => Promise<Peer>;
}

export type Rows = Record<string, Row | Row["start"]>;

// biome-ignore lint/suspicious/noExplicitAny: the peers are installed on demand, so their types may be missing
export type Any = any;

export const SECRET = "a secret of the old application, long enough for all of them";
export const CART = ["book", "pen"];
/** More than one cookie holds. */
export const LARGE_CART = Array.from({ length: 300 }, (_, at) => `book number ${at}`);

export const load = async (name: string): Promise<Any> => import(name);

/** What most old sessions hold, and what becomes of it. */
export const signedIn = (cart: readonly string[] = CART): { user: string; cart: readonly string[] } => ({
  user: "ada",
  cart,
});
export const adopt = (data: unknown): { subject: string | undefined; data: object } => {
  const { user, cart } = data as { user?: string; cart?: string[] };
  return { subject: user, data: { cart } };
};

export const isLogin = (request: { method: string }): boolean => request.method === "POST";

export function view(user: unknown, headers?: Headers | Record<string, string>): Response {
  return Response.json({ user }, headers && { headers });
}

/** A server of Node's, by what a browser would ask it. */
export async function listen(listener: RequestListener): Promise<Required<Pick<Peer, "fetch" | "stop">>> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { fetch: forwardedTo(`http://127.0.0.1:${port}`), stop };
}

export function forwardedTo(server: string): Fetch {
  return async (request) => {
    const { pathname, search } = new URL(request.url);
    const { method, headers } = request;
    const body = (await request.text()) || null;
    return fetch(server + pathname + search, { method, headers, body, redirect: "manual" });
  };
}
