import { type MiddlewareFunction, Outlet, Scripts } from "react-router";
import { sessionContext, sessions } from "./sessions.ts";

export const middleware: MiddlewareFunction<Response>[] = [
  ({ request, context }, next) =>
    sessions.wrap((_request, session) => {
      context.set(sessionContext, session);
      return next();
    })(request),
];

export default function Root() {
  return (
    <html lang="en">
      <head>
        <title>Site</title>
      </head>
      <body>
        <Outlet />
        <Scripts />
      </body>
    </html>
  );
}
