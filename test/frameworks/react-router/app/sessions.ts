import { createSessions, type Session } from "@sojourn/session";
import { createContext } from "react-router";
import { type Data, options } from "site";

export const sessions = createSessions<Data>(options);
export const sessionContext = createContext<Session<Data>>();
