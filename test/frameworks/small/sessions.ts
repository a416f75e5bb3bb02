import { createSessions } from "@sojourn/session";
import { type Data, options } from "site";

export const sessions = createSessions<Data>(options);
