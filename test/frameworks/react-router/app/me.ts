import type { LoaderFunctionArgs } from "react-router";
import { read } from "site";
import { sessionContext } from "./sessions.ts";

export const loader = ({ context }: LoaderFunctionArgs) => Response.json(read(context.get(sessionContext)));
