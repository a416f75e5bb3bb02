import Link from "next/link";
import { Suspense } from "react";
import { getSession } from "../../lib/session.ts";

export default function Page() {
  return (
    <>
      <Link id="to-home" href="/">
        Home
      </Link>
      <Suspense fallback={<p>…</p>}>
        <Shown />
      </Suspense>
    </>
  );
}

async function Shown() {
  const session = await getSession();
  return (
    <>
      <p id="user">{session.subject ?? ""}</p>
      <p id="count">{session.get("count") ?? 0}</p>
    </>
  );
}
