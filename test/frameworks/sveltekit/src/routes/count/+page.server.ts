import { redirect } from "@sveltejs/kit";
import type { Actions } from "./$types";

export const actions: Actions = {
  default({ locals }) {
    locals.session.update("count", (count = 0) => count + 1);
    redirect(303, "/");
  },
};
