/** The package where module systems are not Node's own: a bundler, Jest, another realm, an edge sandbox. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { expect, onTestFinished, test } from "vitest";
import { installPacked } from "../package/packed.ts";
import { describeWith, service } from "../services.ts";

const run = promisify(execFile);
const here = fileURLToPath(new URL(".", import.meta.url));
// biome-ignore lint/suspicious/noExplicitAny: packages without types here, each used for a line or two
const load = (name: string): any => createRequire(join(here, "package.json"))(name);

/** A project that has the packed package installed, and of all peers none. */
function project(files: Readonly<Record<string, string>>): string {
  const installed = installPacked();
  onTestFinished(() => installed.remove());
  for (const [name, text] of Object.entries(files)) writeFileSync(join(installed.folder, name), text);
  return installed.folder;
}

const EXPRESS_APP = `
import { createServer } from "node:http";
import { createSessions } from "@sojourn/session";
import { sessionMiddleware } from "@sojourn/session/node";
const middleware = sessionMiddleware(createSessions());
const server = createServer((request, response) =>
  middleware(request, response, () => {
    request.session.set("n", 1);
    response.end("bundled");
  }),
).listen(0, async () => {
  const response = await fetch("http://127.0.0.1:" + server.address().port);
  console.log(await response.text(), response.headers.getSetCookie().length);
  process.exit();
});
`;

const IN_A_SANDBOX = `
import { createSessions } from "@sojourn/session";
const handler = createSessions().wrap((request, session) => {
  session.update("cart", (cart = []) => [...cart, { book: 1 }]);
  return new Response(JSON.stringify(session.get("cart")));
});
globalThis.answer = (async () => {
  const first = await handler(new Request("https://example.com/"));
  const cookie = first.headers.getSetCookie()[0].split(";")[0];
  return await (await handler(new Request("https://example.com/", { headers: { cookie } }))).text();
})();
`;

const A_TEST = `
test("a session is kept", async () => {
  const handler = createSessions().wrap((request, session) => {
    session.update("cart", (cart = []) => [...cart, { book: 1 }]);
    return Response.json(session.get("cart"));
  });
  const first = await handler(new Request("https://example.com/"));
  const cookie = first.headers.getSetCookie()[0].split(";")[0];
  const second = await handler(new Request("https://example.com/", { headers: { cookie } }));
  expect(await second.json()).toEqual([{ book: 1 }, { book: 1 }]);
});`;

/** What Jest says of the tests in a folder. */
async function jest(folder: string, flags: readonly string[], ...options: readonly string[]): Promise<string> {
  const program = join(here, "node_modules/jest/bin/jest.js");
  const all = [...flags, program, "--rootDir", folder, "--watchman=false", ...options];
  return (await run(process.execPath, all, { cwd: folder })).stderr;
}

describeWith(await service("border-peers"), "the packed package", () => {
  test("webpack bundles sessionMiddleware without @hono/node-server, and the bundle runs", async () => {
    const folder = project({ "app.mjs": EXPRESS_APP });
    const compiler = load("webpack")({
      mode: "production",
      target: "node",
      context: folder,
      entry: "./app.mjs",
      output: { path: folder, filename: "bundle.cjs" },
    });
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const stats = await promisify<any>(compiler.run.bind(compiler))();
    expect(stats.toString({ all: false, errors: true, warnings: true })).toBe("");
    const { stdout } = await run(process.execPath, [join(folder, "bundle.cjs")]);
    expect(stdout.trim()).toBe("bundled 1");
  });

  test("an application's tests under Jest, with ES modules", async () => {
    const folder = project({
      "package.json": JSON.stringify({ type: "module" }),
      "session.test.js": `
        import { createSessions } from "@sojourn/session";
        ${A_TEST}`,
    });
    expect(await jest(folder, ["--experimental-vm-modules"], "--transform", "{}")).toContain("1 passed");
  });

  test("an application's tests under Jest as it comes, which is CommonJS, and with Express", async () => {
    const folder = project({
      "package.json": "{}",
      "session.test.js": `
        const { createSessions } = require("@sojourn/session");
        const { sessionMiddleware } = require("@sojourn/session/node");
        const { session } = require("@sojourn/session/express-session");
        ${A_TEST}
        test.each([
          [sessionMiddleware(createSessions({ cookie: { secure: "auto" } })), (session) => session.set("n", 1)],
          [session({ cookie: { secure: "auto" } }), (session) => (session.n = 1)],
        ])("behind Express", async (middleware, change) => {
          const app = require(${JSON.stringify(join(here, "node_modules/express"))})();
          app.use(middleware, (req, res) => res.end(String(change(req.session))));
          const server = app.listen(0);
          const response = await fetch("http://127.0.0.1:" + server.address().port);
          server.close();
          expect(response.headers.getSetCookie()).toHaveLength(1);
        });`,
    });
    expect(await jest(folder, [])).toContain("3 passed");
  });

  test.each(["an Edge Runtime sandbox", "a context of node:vm"])("%s", async (sandbox) => {
    const { outputFiles } = await build({
      stdin: { contents: IN_A_SANDBOX, resolveDir: project({}) },
      bundle: true,
      format: "iife",
      platform: "browser",
      write: false,
    });
    const text = outputFiles[0]?.text ?? "";
    let answer: unknown;
    if (sandbox === "a context of node:vm") {
      const { Request, Response, Headers, crypto, TextEncoder, TextDecoder, URL, setTimeout, clearTimeout } =
        globalThis;
      const globals = { Request, Response, Headers, crypto, TextEncoder, TextDecoder, URL, setTimeout, clearTimeout };
      answer = await runInContext(`${text}; globalThis.answer`, createContext({ ...globals, atob, btoa, console }));
    } else {
      answer = await new (load("@edge-runtime/vm").EdgeVM)().evaluate(`${text}; globalThis.answer`);
    }
    expect(answer).toBe('[{"book":1},{"book":1}]');
  });
});
