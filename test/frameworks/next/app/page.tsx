import Link from "next/link";
import { view } from "site";
import { count, fail, login, logout } from "../lib/actions.ts";
import { editSession } from "../lib/session.ts";

export default async function Page() {
  const { user, flash, count: counted } = await editSession(view);
  return (
    <>
      <p id="user">{user}</p>
      <p id="flash">{flash}</p>
      <p id="count">{counted}</p>
      <form id="login" action={login}>
        <input name="user" />
        <button type="submit">Sign in</button>
      </form>
      <form id="logout" action={logout}>
        <button type="submit">Sign out</button>
      </form>
      <form id="count" action={count}>
        <button type="submit">Count</button>
      </form>
      <form id="fail" action={fail}>
        <button type="submit">Fail</button>
      </form>
      <Link id="to-stream" href="/stream">
        Stream
      </Link>
    </>
  );
}
