import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

/** Listens on a free port for as long as `use` runs; `use` gets the origin. */
export async function listening(listener, use) {
  const server = typeof listener === "function" ? createServer(listener) : listener;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    return await use(`http://localhost:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** A browser as far as these stories need one: it keeps cookies and does not follow redirects by itself. */
export function browser(origin, cookies = new Map()) {
  const request = async (method, path, { body, headers = {} } = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(new URL(path, origin), {
      method,
      redirect: "manual",
      headers: { ...(cookie && { cookie }), ...headers },
      ...(body !== undefined && { body: isForm(body) ? new URLSearchParams(body) : body }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (/max-age=0|expires=thu, 01 jan 1970/i.test(line) || value === "") cookies.delete(name);
      else cookies.set(name, value);
    }
    const text = await response.text();
    return {
      status: response.status,
      text,
      headers: response.headers,
      location: response.headers.get("location"),
      json: () => JSON.parse(text),
    };
  };
  return {
    cookies,
    get: (path, options) => request("GET", path, options),
    post: (path, body = {}, options = {}) => request("POST", path, { body, ...options }),
    /** From a path through all redirects to an answer that is none. */
    async follow(path) {
      let response = await request("GET", path);
      for (let hops = 0; response.location && hops < 10; hops++) {
        const next = new URL(response.location, new URL(path, origin));
        path = next.href;
        response = next.origin === new URL(origin).origin ? await request("GET", path) : await foreign(path);
      }
      return response;
    },
  };
}

const isForm = (body) => typeof body === "object" && Object.getPrototypeOf(body) === Object.prototype;

async function foreign(path) {
  const response = await fetch(path, { redirect: "manual" });
  return { status: response.status, location: response.headers.get("location"), text: await response.text() };
}

/**
 * A small OAuth 2.0 provider with PKCE (RFC 7636) and discovery, which signs everybody in as ada. Codes work once, and
 * only with the verifier of their challenge.
 */
export function provider() {
  const codes = new Map();
  return createServer(async (request, response) => {
    const origin = `http://${request.headers.host}`;
    const { pathname, searchParams: query } = new URL(request.url, origin);
    const json = (value, status = 200) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (pathname === "/.well-known/openid-configuration") {
      json({
        issuer: origin,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        jwks_uri: `${origin}/jwks`,
        response_types_supported: ["code", "id_token"],
        response_modes_supported: ["query", "form_post"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256"],
        code_challenge_methods_supported: ["S256"],
      });
    } else if (pathname === "/authorize") {
      const code = `code-${codes.size}`;
      codes.set(code, query.get("code_challenge"));
      const back = new URL(query.get("redirect_uri"));
      back.searchParams.set("code", code);
      if (query.has("state")) back.searchParams.set("state", query.get("state"));
      response.writeHead(302, { location: back.href }).end();
    } else if (pathname === "/token") {
      let text = "";
      for await (const chunk of request) text += chunk;
      const form = new URLSearchParams(text);
      const challenge = codes.get(form.get("code"));
      codes.delete(form.get("code"));
      const verified =
        createHash("sha256")
          .update(form.get("code_verifier") ?? "")
          .digest("base64url") === challenge;
      json(
        verified ? { access_token: "of ada", token_type: "bearer" } : { error: "invalid_grant" },
        verified ? 200 : 400,
      );
    } else response.writeHead(404).end();
  });
}
