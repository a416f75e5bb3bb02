/** A worker that makes its sessions with the first request, and says what came of it. */
import { createSessions } from "../../../src/index.ts";

export default {
  async fetch(request: Request): Promise<Response> {
    try {
      const sessions = createSessions<{ n: number }>();
      return await sessions.wrap((_request, session) => {
        session.set("n", 1);
        return new Response("1");
      })(request);
    } catch (error) {
      return new Response(String(error));
    }
  },
};
