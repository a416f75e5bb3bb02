import { type ActionFunctionArgs, data } from "react-router";
import { sessionContext } from "./sessions.ts";

export function action({ context }: ActionFunctionArgs) {
  context.get(sessionContext).set("flash", "Not there");
  throw data("Not there", { status: 404 });
}
