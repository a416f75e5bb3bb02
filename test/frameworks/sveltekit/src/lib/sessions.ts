import { createSessions } from "@sojourn/session";
import { type Data, options } from "site";

export const sessions = createSessions<Data>(options);
export const staff = createSessions<{ role: string }>({ ...options, cookie: { name: "staff" } });
