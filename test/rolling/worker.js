/**
 * One server process of a deployment, with the code of before it or of after it. It answers the changes that it is sent
 * over IPC, one request each.
 */
import { createSessions } from "@sojourn/session";
import { redisStore } from "@sojourn/session/redis";
import { createClient } from "redis";

const { release, prefix } = JSON.parse(process.argv[2] ?? "{}");
const client = await createClient({ url: "redis://127.0.0.1:6379" }).connect();
const options = { store: redisStore(client, { prefix }) };

/** Strips what it does not know, as most schemas do, also inside of `profile`. */
function schemaOf(defaults) {
  const pick = (value, shape) =>
    Object.fromEntries(Object.entries(shape).map(([key, fallback]) => [key, value[key] ?? structuredClone(fallback)]));
  const validate = (value) => ({
    value: { ...pick(value, defaults), profile: pick(value.profile ?? {}, defaults.profile) },
  });
  return { "~standard": { version: 1, vendor: "test", validate } };
}

const old = schemaOf({ seen: 0, basket: [], profile: { visits: 0 } });
const next = schemaOf({ seen: 0, likes: 0, cart: [], profile: { stars: 0 } });
/** The first half of a move: the new key is made beside the old one. */
const migrate = { 1: ({ basket = [], ...rest }) => ({ ...rest, basket, cart: basket.map((id) => ({ id })) }) };
const sessions =
  release === "old"
    ? createSessions({ ...options, schema: old })
    : createSessions({ ...options, schema: next, version: 2, migrate });

const changes = {
  old(session, id) {
    session.update("seen", (seen) => seen + 1);
    session.update("basket", (basket) => [...basket, id]);
    session.update("profile", (profile) => ({ ...profile, visits: profile.visits + 1 }));
  },
  new(session, id) {
    session.update("seen", (seen) => seen + 1);
    session.update("likes", (likes) => likes + 1);
    session.update("cart", (cart) => [...cart, { id }]);
    session.update("profile", (profile) => ({ ...profile, stars: profile.stars + 1 }));
  },
};

const answer = sessions.wrap((_request, session, id) => {
  changes[release](session, id);
  return new Response();
});

process.on("message", async ({ id, cookie }) => {
  try {
    await answer(new Request("https://shop.example/", { headers: { cookie } }), id);
    process.send?.({ id });
  } catch (error) {
    process.send?.({ id, error: String(error) });
  }
});
process.on("disconnect", () => process.exit());
process.send?.({ ready: true });
