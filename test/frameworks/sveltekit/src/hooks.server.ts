import { sessionHandle } from "@sojourn/session/sveltekit";
import { sequence } from "@sveltejs/kit/hooks";
import { sessions, staff } from "./lib/sessions.ts";

export const handle = sequence(
  ({ event, resolve }) => resolve(event),
  sessionHandle(sessions),
  sessionHandle(staff, { as: "staff" }),
);
