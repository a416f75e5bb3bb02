import { view } from "site";
import type { PageServerLoad } from "./$types";

export const load: PageServerLoad = ({ locals }) => view(locals.session);
