import { read } from "site";
import type { RequestHandler } from "./$types";

export const GET: RequestHandler = ({ locals }) => Response.json(read(locals.session));
