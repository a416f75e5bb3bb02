import { createSessions, memoryStore } from "@sojourn/session";
import { fromSessions } from "@sojourn/session/migrate";
import { generateKey, sealedCookies } from "@sojourn/session/sealed";
import { isLogin, type Peer, type Rows, signedIn, view } from "../peer.ts";

/** Of a cookie. */
interface Place {
  readonly name?: string;
  readonly domain?: string;
}

const HOST = { name: "app" };
const SITE = { name: "app", domain: "shop.example.com" };
const DOMAIN = { name: "app", domain: "example.com" };
const NEW_DOMAIN = { name: "new", domain: "example.com" };

/** This library, kept another way. The stories move each into a store and into sealed cookies. */
export const ourselves: Rows = {
  "Sojourn, sealed": () => withSojourn("sealed", HOST),
  "Sojourn, sealed, to the same name": () => withSojourn("sealed", {}),
  "Sojourn, sealed, from a domain to one host": () => withSojourn("sealed", DOMAIN),
  "Sojourn, sealed, from one domain to another, by the same name": () => withSojourn("sealed", SITE, DOMAIN),
  "Sojourn, in a store": () => withSojourn("stored", HOST),
  "Sojourn, in a store, to the same name": () => withSojourn("stored", {}),
  "Sojourn, in a store, from a domain to one host": () => withSojourn("stored", DOMAIN),
  "Sojourn, in a store, from one host to a domain": () => withSojourn("stored", HOST, NEW_DOMAIN),
  "Sojourn, in a store, from one domain to another": () => withSojourn("stored", SITE, NEW_DOMAIN),
  "Sojourn, in a store, from one domain to another, by the same name": () => withSojourn("stored", SITE, DOMAIN),
};

async function withSojourn(kept: "sealed" | "stored", from: Place, to: Place = {}): Promise<Peer> {
  const store = kept === "sealed" ? sealedCookies({ keys: [generateKey()] }) : memoryStore();
  const old = createSessions<{ cart: readonly string[] }>({ store, cookie: from });
  const fetch = old.wrap((request, session) => {
    if (isLogin(request)) {
      session.set("cart", signedIn().cart);
      session.signIn("ada");
    }
    return view(session.subject);
  });
  const { name = "__Host-Http-session", domain } = from;
  const source: Peer["source"] = (more) => fromSessions(old, { cookie: name, ...(domain && { domain }), ...more });
  const isStored = kept === "stored";
  return { fetch, source, isStored, options: { cookie: to }, sameName: from.name === to.name };
}
