import type { Session } from "@sojourn/session";
import { initTRPC, TRPCError } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { type Data, read, view } from "site";
import { serve } from "srvx";
import { pages } from "./pages.ts";
import { sessions } from "./sessions.ts";

const t = initTRPC.context<{ session: Session<Data> }>().create();

const router = t.router({
  view: t.procedure.query(({ ctx }) => view(ctx.session)),
  me: t.procedure.query(({ ctx }) => read(ctx.session)),
  login: t.procedure.input(String).mutation(({ ctx, input }) => {
    ctx.session.signIn(input);
    ctx.session.set("flash", `Welcome, ${input}`);
  }),
  logout: t.procedure.mutation(({ ctx }) => ctx.session.destroy()),
  count: t.procedure.mutation(({ ctx }) => {
    ctx.session.update("count", (count = 0) => count + 1);
  }),
  fail: t.procedure.mutation(({ ctx }) => {
    ctx.session.set("flash", "Not there");
    throw new TRPCError({ code: "NOT_FOUND" });
  }),
});

const trpc = sessions.wrap((req, session) =>
  fetchRequestHandler({ endpoint: "/trpc", req, router, createContext: () => ({ session }) }),
);

serve({
  fetch: pages(
    (question, headers, user) => {
      const url = `http://localhost:${process.env.PORT}/trpc/${question}`;
      if (question === "view" || question === "me") return trpc(new Request(url, { headers }));
      headers.set("content-type", "application/json");
      return trpc(new Request(url, { method: "POST", headers, body: JSON.stringify(user) }));
    },
    (answer) => (answer as { result: { data: unknown } }).result.data,
  ),
});
