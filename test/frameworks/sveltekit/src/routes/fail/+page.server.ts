import { error } from "@sveltejs/kit";
import type { Actions } from "./$types";

export const actions: Actions = {
  default({ locals }) {
    locals.session.set("flash", "Not there");
    error(404, "Not there");
  },
};
