import { view } from "site";

export const prerender = true;
/** Nobody visits: it shows nobody, also where it takes a flash that is not there. */
export const load = ({ locals }: { locals: App.Locals }) => view(locals.session);
