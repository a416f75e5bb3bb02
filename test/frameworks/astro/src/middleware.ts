import { createSessions } from "@sojourn/session";
import { sessionMiddleware } from "@sojourn/session/astro";
import type { MiddlewareHandler } from "astro";
import { type Data, options } from "site";

export const onRequest: MiddlewareHandler = sessionMiddleware(createSessions<Data>(options));
