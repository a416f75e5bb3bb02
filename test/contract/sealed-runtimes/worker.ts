/** For workerd: answers with the report. */
import { report } from "./open.ts";

export default { fetch: async (): Promise<Response> => Response.json(await report()) };
