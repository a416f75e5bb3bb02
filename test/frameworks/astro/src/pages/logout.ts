import type { APIRoute } from "astro";

export const POST: APIRoute = ({ locals, redirect }) => {
  locals.session.destroy();
  return redirect("/", 303);
};
