import { Form, Link, type LoaderFunctionArgs, useLoaderData } from "react-router";
import { view } from "site";
import { sessionContext } from "./sessions.ts";

export const loader = ({ context }: LoaderFunctionArgs) => view(context.get(sessionContext));

export default function Home() {
  const { user, flash, count } = useLoaderData<typeof loader>();
  return (
    <>
      <p id="user">{user}</p>
      <p id="flash">{flash}</p>
      <p id="count">{count}</p>
      <Form method="post" action="/login" id="login">
        <input name="user" />
        <button type="submit">Sign in</button>
      </Form>
      <Form method="post" action="/logout" id="logout">
        <button type="submit">Sign out</button>
      </Form>
      <Form method="post" action="/count" id="count">
        <button type="submit">Count</button>
      </Form>
      <Link id="to-stream" to="/stream">
        Stream
      </Link>
    </>
  );
}
