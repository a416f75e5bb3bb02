import { redirect } from "@sveltejs/kit";
import { login } from "site";
import type { Actions } from "./$types";

export const actions: Actions = {
  async default({ locals, request }) {
    await login(locals.session, request);
    redirect(303, "/");
  },
};
