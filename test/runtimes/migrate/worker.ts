/** As a worker, which is sent the cookies as JSON. */
import { adoptAll } from "./adopt.ts";

export default { fetch: async (request: Request) => Response.json(await adoptAll(await request.json())) };
