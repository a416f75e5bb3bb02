import { createCipheriv, createDecipheriv, createHash, hash, randomFillSync } from "node:crypto";

const access = {
  get: (session, key) => session.data[key],
  assign(session, values) {
    Object.assign(session.data, values);
    session.changed = true;
  },
};

/**
 * The floor: the cheapest correct steps by hand, with nothing of ours and none of our promises. Read the Cookie header,
 * one SHA-256, one Map lookup, one JSON.parse, one Response; a write adds one JSON.stringify, one Map.set and one
 * appended Set-Cookie. `headers: true` adds what every answer made from a session owes to caches: `Vary: Cookie` and
 * `Cache-Control: no-store`.
 */
export function floor({ headers = false } = {}) {
  const store = new Map();
  return {
    plain: () => new Response("ok"),
    withSession: (action) => (request) => {
      const token = readCookie(request.headers.get("cookie"));
      const entry = token && store.get(digest(token));
      const session = {
        data: entry !== undefined && entry.expiresAt > Date.now() ? JSON.parse(entry.json) : {},
        changed: false,
      };
      const response = new Response(action(session) ?? "ok");
      if (session.changed) {
        const kept = entry === undefined ? randomToken() : token;
        store.set(digest(kept), { json: JSON.stringify(session.data), expiresAt: Date.now() + 43_200_000 });
        response.headers.append("set-cookie", setCookie(kept));
      }
      if (headers && (entry !== undefined || session.changed)) {
        response.headers.append("vary", "Cookie");
        response.headers.set("cache-control", "no-store");
      }
      return response;
    },
    ...access,
  };
}

/**
 * The floor without a Request and a Response: Node's own objects, its headers set one by one, and the two that caches
 * need among them.
 */
export function nodeFloor() {
  const store = new Map();
  return {
    plain: (_request, response) => void response.end("ok"),
    withSession: (action) => (request, response) => {
      const token = readCookie(request.headers.cookie ?? null);
      const entry = token && store.get(digest(token));
      const session = {
        data: entry !== undefined && entry.expiresAt > Date.now() ? JSON.parse(entry.json) : {},
        changed: false,
      };
      const body = action(session) ?? "ok";
      if (session.changed) {
        const kept = entry === undefined ? randomToken() : token;
        store.set(digest(kept), { json: JSON.stringify(session.data), expiresAt: Date.now() + 43_200_000 });
        response.appendHeader("set-cookie", setCookie(kept));
      }
      if (entry !== undefined || session.changed) {
        response.setHeader("vary", "Cookie");
        response.setHeader("cache-control", "no-store");
      }
      response.end(body);
    },
    ...access,
  };
}

/**
 * The floor of a session in the cookie: AES-256-GCM by the platform's synchronous cipher, a fresh nonce for each seal.
 */
export function sealedFloor() {
  const key = createHash("sha256").update("a key of the benchmark").digest();
  return {
    plain: () => new Response("ok"),
    withSession: (action) => (request) => {
      const sealed = readCookie(request.headers.get("cookie"));
      const session = { data: sealed === undefined ? {} : JSON.parse(open(key, sealed)), changed: false };
      const response = new Response(action(session) ?? "ok");
      if (session.changed) response.headers.append("set-cookie", setCookie(seal(key, JSON.stringify(session.data))));
      return response;
    },
    ...access,
  };
}

/**
 * The floor of a session in Redis: a bare GET to read, a bare SET with an expiry to write, by the client that the
 * others use too.
 */
export function redisFloor(client) {
  return {
    plain: () => new Response("ok"),
    withSession:
      (action, { untouched = false } = {}) =>
      async (request) => {
        const token = readCookie(request.headers.get("cookie"));
        const json = token && !untouched ? await client.get(`floor:${digest(token)}`) : null;
        const session = { data: json ? JSON.parse(json) : {}, changed: false };
        const response = new Response(action(session) ?? "ok");
        if (session.changed) {
          const kept = json ? token : randomToken();
          await client.set(`floor:${digest(kept)}`, JSON.stringify(session.data), { EX: 43_200 });
          response.headers.append("set-cookie", setCookie(kept));
        }
        return response;
      },
    ...access,
  };
}

function readCookie(header) {
  if (header === null) return undefined;
  const start = header.indexOf("session=");
  if (start === -1) return undefined;
  const end = header.indexOf(";", start);
  return header.slice(start + 8, end === -1 ? undefined : end);
}

const setCookie = (value) => `session=${value}; Path=/; HttpOnly; Secure; SameSite=Lax`;

// `crypto.hash` is new in Node 20.12 and takes base64url since 21.7.
const digest =
  typeof hash === "function"
    ? (token) => hash("sha256", token, "base64url")
    : (token) => createHash("sha256").update(token).digest("base64url");

const pool = Buffer.alloc(32 * 128);
let used = pool.length;
function randomToken() {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 32;
  return pool.toString("base64url", used - 32, used);
}

function seal(key, text) {
  const nonce = Buffer.from(randomToken(), "base64url").subarray(0, 12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  const body = cipher.update(text, "utf8");
  cipher.final();
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64url");
}

function open(key, sealed) {
  const bytes = Buffer.from(sealed, "base64url");
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(12, 28));
  const text = decipher.update(bytes.subarray(28), undefined, "utf8");
  return text + decipher.final("utf8");
}
