import { read } from "site";
import type { PageServerLoad } from "./$types";

/** Looks at the session a while after the request came. */
export const load: PageServerLoad = async ({ locals }) => {
  await new Promise((resolve) => setTimeout(resolve, 50));
  return read(locals.session);
};
