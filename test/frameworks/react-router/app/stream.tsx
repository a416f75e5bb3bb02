import { setTimeout as pause } from "node:timers/promises";
import { Suspense } from "react";
import { Await, Link, type LoaderFunctionArgs, useLoaderData } from "react-router";
import { read } from "site";
import { sessionContext } from "./sessions.ts";

export const loader = ({ context }: LoaderFunctionArgs) => {
  const session = context.get(sessionContext);
  return { later: pause(50).then(() => read(session)) };
};

export default function Stream() {
  const { later } = useLoaderData<typeof loader>();
  return (
    <>
      <Link id="to-home" to="/">
        Home
      </Link>
      <Suspense>
        <Await resolve={later}>
          {({ user, count }) => (
            <>
              <p id="user">{user}</p>
              <p id="count">{count}</p>
            </>
          )}
        </Await>
      </Suspense>
    </>
  );
}
