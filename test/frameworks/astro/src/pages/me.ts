import type { APIRoute } from "astro";
import { read } from "site";

export const GET: APIRoute = ({ locals }) => Response.json(read(locals.session));
