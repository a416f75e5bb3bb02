/** A worker whose Durable Objects fail as those of Cloudflare do, when they are told to. */
import { DurableObject } from "cloudflare:workers";
import { type SessionObjectState, type SessionObjectStorage, sessionObject } from "../../../adapters/workers.ts";

/** Shared by all objects of this worker. */
let fault = "";

export class FaultyObject extends DurableObject<object> {
  readonly sessions = sessionObject({ storage: faulty((this.ctx as SessionObjectState).storage) });

  override async fetch(request: Request): Promise<Response> {
    const { op } = (await request.clone().json()) as { op: string };
    const response = await this.sessions.fetch(request);
    if (fault === "cut" && op !== "read") {
      // Reset after it has written and before it answers: a deployment, or a machine that fails.
      const ctx = this.ctx as unknown as { storage: { sync(): Promise<void> }; abort(reason: string): void };
      await ctx.storage.sync();
      ctx.abort("reset");
    }
    return response;
  }

  override alarm(): Promise<void> {
    return this.sessions.alarm();
  }
}

function faulty(storage: SessionObjectStorage): SessionObjectStorage {
  return new Proxy(storage, {
    get(target, name: keyof SessionObjectStorage) {
      if (name === "put" && fault === "full") return () => Promise.reject(new Error("database or disk is full"));
      const method = target[name] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => method.apply(target, args);
    },
  });
}

export default {
  fetch(request: Request): Response {
    fault = new URL(request.url).searchParams.get("fault") ?? "";
    return new Response();
  },
};
