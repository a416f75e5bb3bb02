import { sessionData } from "./contestants/data.js";

/** What is measured: one kind of request, with little or more data in the session. */
export const cells = [
  { id: "untouched", title: "no cookie, untouched" },
  { id: "read-small", title: "read, 3 keys", seed: "small" },
  { id: "read-medium", title: "read, 2 kB", seed: "medium" },
  { id: "write-small", title: "write, 3 keys", seed: "small" },
  { id: "write-medium", title: "write, 2 kB", seed: "medium" },
  { id: "new-small", title: "new, 3 keys" },
  { id: "new-medium", title: "new, 2 kB" },
  { id: "rotate-small", title: "rotate, 3 keys", seed: "small" },
  { id: "rotate-medium", title: "rotate, 2 kB", seed: "medium" },
];

/** Measured of this library alone, against an older commit of it. */
export const ownCells = [
  { id: "ignored-small", title: "a session, not looked at", seed: "small" },
  { id: "signin-small", title: "sign in, 3 keys", seed: "small" },
];

export const allCells = [...cells, ...ownCells];

/** The handlers of a contestant: the bare one, and one per kind of request with the session layer around it. */
export async function handlersOf(layer) {
  let visits = 0;
  const seed = (size) => layer.withSession((session) => layer.assign(session, sessionData(size)), { writes: true });
  return {
    plain: await layer.plain,
    untouched: await layer.withSession(() => undefined, { untouched: true }),
    read: await layer.withSession((session) => layer.get(session, "user"), {}),
    write: await layer.withSession((session) => layer.assign(session, { visits: ++visits }), { writes: true }),
    "new-small": await seed("small"),
    "new-medium": await seed("medium"),
    visits: await layer.withSession((session) => whenKnown(layer.get(session, "visits"), String), {}),
    written: () => visits,
    ignored: await layer.withSession(() => undefined, {}),
    ...(layer.signIn ? { signin: await layer.withSession(layer.signIn, { writes: true }) } : {}),
    ...(layer.rotates
      ? { rotate: await layer.withSession((session) => layer.get(session, "user"), { rotates: true, writes: true }) }
      : {}),
  };
}

function whenKnown(value, use) {
  return value instanceof Promise ? value.then(use) : use(value);
}
