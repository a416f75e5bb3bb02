/** The check as a worker. */
import { check } from "./check.js";

export default { fetch: async () => Response.json(await check()) };
