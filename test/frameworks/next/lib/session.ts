import { createSessions, memoryStore } from "@sojourn/session";
import { nextSession } from "@sojourn/session/next";
import { cookies, headers } from "next/headers";
import { clock, type Data, options } from "site";

const sessions = createSessions<Data>({ ...options, store: memoryStore({ shared: "site", clock }) });

export const { getSession, editSession, withSession } = nextSession(sessions, { cookies, headers });
