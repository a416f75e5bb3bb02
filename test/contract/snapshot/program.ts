import { startupSnapshot } from "node:v8";
import { createSessions, type Session } from "../../../src/index.ts";
import { generateKey, sealedCookies } from "../../../src/sealed.ts";

/*
 * What is kept in a V8 snapshot: sessions that have served. What was random then is the same in every process that
 * starts from it, so nothing of it may be used again.
 */

const KEY = "auH27zK-3vZ7NBFkdRw0KPwmzrYCGsabAX3VilsM13s";
const stored = createSessions({ rotation: { every: "request" } });
const sealed = createSessions({ store: sealedCookies({ keys: [KEY] }) });

/** Without `Headers`, which a snapshot of Node 20 cannot hold. */
async function visit(sessions: typeof stored, act: (session: Session) => void, cookie = ""): Promise<string> {
  const session = await sessions.loadFrom({ url: "https://x.test/", headers: { get: () => cookie } });
  act(session);
  const lines: string[] = [];
  const ignore = (): void => {};
  const headers = { get: () => null, set: ignore, delete: ignore, getSetCookie: () => [] };
  await sessions.commitTo(session, { ...headers, append: (_, line) => void lines.push(line) });
  return lines.at(-1)?.split(";")[0] ?? cookie;
}

/** Everything random that a server makes for users: tokens, a rotated one, seals with their nonces, a key. */
async function serve(): Promise<Record<string, string>> {
  const signIn = (session: Session): void => session.signIn("anna");
  const token = await visit(stored, signIn);
  const rotated = await visit(stored, (session) => session.get("a"), token);
  const seal = await visit(sealed, signIn);
  const written = await visit(sealed, (session) => session.set("a", 1), seal);
  const nonce = (cookie: string): string => cookie.slice(cookie.indexOf("=") + 9, cookie.indexOf("=") + 25);
  return { token, rotated, nonce: nonce(seal), second: nonce(written), key: generateKey() };
}

let warm: Record<string, string>;
serve().then((made) => {
  warm = made;
});
startupSnapshot.setDeserializeMainFunction(async () => {
  console.log(JSON.stringify([warm, await serve()]));
});
