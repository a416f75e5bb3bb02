import { type ActionFunctionArgs, redirect } from "react-router";
import { sessionContext } from "./sessions.ts";

export function action({ context }: ActionFunctionArgs) {
  context.get(sessionContext).destroy();
  throw redirect("/", 303);
}
