import { type ActionFunctionArgs, redirect } from "react-router";
import { login } from "site";
import { sessionContext } from "./sessions.ts";

export async function action({ request, context }: ActionFunctionArgs) {
  await login(context.get(sessionContext), request);
  throw redirect("/", 303);
}
