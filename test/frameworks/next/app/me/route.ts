import { read } from "site";
import { withSession } from "../../lib/session.ts";

export const GET = withSession((session) => Response.json(read(session)));
