import { type ActionFunctionArgs, redirect } from "react-router";
import { sessionContext } from "./sessions.ts";

export function action({ context }: ActionFunctionArgs) {
  context.get(sessionContext).update("count", (count = 0) => count + 1);
  throw redirect("/", 303);
}
