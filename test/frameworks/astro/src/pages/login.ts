import type { APIRoute } from "astro";
import { login } from "site";

export const POST: APIRoute = async ({ locals, request, redirect }) => {
  await login(locals.session, request);
  return redirect("/", 303);
};
