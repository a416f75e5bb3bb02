import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  authJs,
  betterAuth,
  cookieSession,
  expressSession,
  fastifySession,
  h3Session,
  honoSession,
  honoSessions,
  ironSession,
  koaSession,
  reactRouter,
  remixSession,
} from "../../src/migrate.ts";
import type { MigrationSource } from "../../src/migration.ts";

const SECRET = "a secret of the old application, long enough for all of them";
const store = { get: (_id: string, done: (error?: unknown) => void) => done(), destroy: () => {} };

/** Every source whose cookies are signed or sealed. */
const sources: Record<string, MigrationSource> = {
  "Auth.js 5": authJs({ secret: SECRET }),
  "next-auth 4": authJs({ secret: SECRET, version: 4 }),
  "Better Auth": betterAuth({ secret: SECRET, lookup: () => undefined }),
  "cookie-session": cookieSession({ keys: SECRET }),
  "express-session": expressSession({ secrets: SECRET, store }),
  "@fastify/session": fastifySession({ secrets: SECRET, store }),
  h3: h3Session({ password: SECRET }),
  "@hono/session": honoSession({ secret: SECRET }),
  "hono-sessions": honoSessions({ encryptionKey: SECRET }),
  "iron-session": ironSession({ cookieName: "iron", password: SECRET }),
  "koa-session": koaSession({ keys: SECRET }),
  "React Router": reactRouter({ secrets: SECRET }),
  "Remix 3": remixSession({ name: "remix", secrets: SECRET }),
};

const JWE_HEADER = Buffer.from(JSON.stringify({ alg: "dir", enc: "A256GCM" })).toString("base64url");

const part = fc.oneof(
  fc.string(),
  fc.base64String(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("", "s:", "Fe26.2", "1", "__chunked__9", "~2", "%ff", JWE_HEADER, btoa("[]"), btoa("null")),
);
const value = fc.tuple(fc.constantFrom(".", "*", "~", "--", ""), fc.array(part, { maxLength: 9 }));

describe("a cookie that nobody signed", () => {
  test.each(Object.keys(sources))("proves nothing to %s, and nothing is thrown", async (name) => {
    const { cookies, read } = sources[name] as MigrationSource;
    const values = fc.record(Object.fromEntries(cookies.map((cookie) => [cookie, value])), { requiredKeys: [] });
    await fc.assert(
      fc.asyncProperty(values, async (given) => {
        const header = Object.entries(given).map(([cookie, sent]) => [cookie, sent?.[1].join(sent[0]) ?? ""]);
        expect(await read(Object.fromEntries(header))).toBeUndefined();
      }),
      { numRuns: 150 },
    );
  });
});

describe("Auth.js in chunks", () => {
  const name = "__Secure-authjs.session-token";
  let token: string;
  beforeAll(async () => {
    token = await sealed({ sub: "ada", iat: 1_800_000_000, exp: 1_900_000_000 }, name);
  });

  /** A JWE as Auth.js makes it: `dir`, A256CBC-HS512, a key derived for the cookie's name. */
  async function sealed(claims: object, salt: string): Promise<string> {
    const encode = (bytes: Uint8Array | string) => Buffer.from(bytes).toString("base64url");
    const info = new TextEncoder().encode(`Auth.js Generated Encryption Key (${salt})`);
    const base = await crypto.subtle.importKey("raw", Buffer.from(SECRET), "HKDF", false, ["deriveBits"]);
    const hkdf = { name: "HKDF", hash: "SHA-256", salt: new TextEncoder().encode(salt), info };
    const secret = new Uint8Array(await crypto.subtle.deriveBits(hkdf, base, 512));
    const header = encode(JSON.stringify({ alg: "dir", enc: "A256CBC-HS512" }));
    const iv = crypto.getRandomValues(new Uint8Array(16));
    const cbc = await crypto.subtle.importKey("raw", secret.slice(32), "AES-CBC", false, ["encrypt"]);
    const text = await crypto.subtle.encrypt({ name: "AES-CBC", iv }, cbc, Buffer.from(JSON.stringify(claims)));
    const bits = Buffer.alloc(8);
    bits.writeUInt32BE(header.length * 8, 4);
    const hmac = { name: "HMAC", hash: "SHA-512" };
    const key = await crypto.subtle.importKey("raw", secret.slice(0, 32), hmac, false, ["sign"]);
    const whole = Buffer.concat([Buffer.from(header), iv, Buffer.from(text), bits]);
    const tag = new Uint8Array(await crypto.subtle.sign("HMAC", key, whole)).slice(0, 32);
    return `${header}..${encode(iv)}.${encode(new Uint8Array(text))}.${encode(tag)}`;
  }

  const read = (values: Record<string, string>) => authJs({ secret: SECRET }).read(values);

  test("whole and in pieces it proves the same", async () => {
    const whole = await read({ [name]: token });
    expect(await whole?.load()).toMatchObject({ data: { sub: "ada" }, createdAt: 1_800_000_000_000 });
    const pieces = { [`${name}.0`]: token.slice(0, 99), [`${name}.1`]: token.slice(99) };
    expect((await read(pieces))?.proof).toBe(whole?.proof);
  });

  test("a piece that is missing, doubled or in another place is none", async () => {
    const [one, two] = [token.slice(0, 99), token.slice(99)];
    for (const pieces of [
      { [`${name}.0`]: one },
      { [`${name}.1`]: two },
      { [`${name}.0`]: two, [`${name}.1`]: one },
      { [`${name}.0`]: one, [`${name}.1`]: two, [`${name}.2`]: two },
      { [`${name.slice("__Secure-".length)}.0`]: one, [`${name.slice("__Secure-".length)}.1`]: two },
    ]) {
      expect(await read(pieces)).toBeUndefined();
    }
  });
});

describe("@hono/session", () => {
  /** A JWE as @hono/session makes it: `dir`, A256GCM, one key for all. */
  async function sealed(claims: object): Promise<string> {
    const base = await crypto.subtle.importKey("raw", Buffer.from(SECRET), "HKDF", false, ["deriveKey"]);
    const info = new TextEncoder().encode("session jwe cek");
    const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
    const key = await crypto.subtle.deriveKey(hkdf, base, { name: "AES-GCM", length: 256 }, false, ["encrypt"]);
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const additionalData = Buffer.from(JWE_HEADER);
    const text = Buffer.from(JSON.stringify(claims));
    const all = Buffer.from(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key, text));
    const [body, tag] = [all.subarray(0, -16), all.subarray(-16)];
    return [JWE_HEADER, "", ...[iv, body, tag].map((bytes) => Buffer.from(bytes).toString("base64url"))].join(".");
  }
  const planted = () => sealed({ sid: "one" });
  const signedIn = () => sealed({ sid: "one", user: "ada" });
  const proofs = async (storage?: { get(): unknown; delete(): unknown }) => {
    const { read } = honoSession({ secret: SECRET, ...(storage && { storage }) });
    return Promise.all([planted(), signedIn()].map(async (sid) => (await read({ sid: await sid }))?.proof));
  };

  test("in the cookie, what was planted proves something else than what the user has under the same id", async () => {
    const [one, two] = await proofs();
    expect([typeof one, typeof two]).toEqual(["string", "string"]);
    expect(one).not.toBe(two);
  });

  test("in a storage the id is all that counts", async () => {
    expect(await proofs({ get: () => ({}), delete: () => {} })).toEqual(["one", "one"]);
  });
});
