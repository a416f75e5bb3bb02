import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { entryFile } from "./contestants/sojourn.js";
import { median } from "./statistics.js";
import { figure, table } from "./table.js";

const here = fileURLToPath(new URL(".", import.meta.url));

/** What an import weighs, dependencies included and frameworks left out, minified and gzipped; and what starting it costs. */
export async function measure({ quick }) {
  const ours = entries().map(([title, code]) => ({ title, code }));
  const peers = [
    ["iron-session", 'export { getIronSession } from "iron-session"'],
    [
      "@remix-run/session, memory, with its cookie",
      'export { createMemorySessionStorage } from "@remix-run/session/memory-storage"; export { createCookie } from "@remix-run/cookie"',
    ],
    ["React Router, memory", 'export { createMemorySessionStorage, createCookie } from "react-router"'],
    ["hono-sessions", 'export { sessionMiddleware, MemoryStore } from "hono-sessions"'],
    ["@hono/session", 'export { useSession } from "@hono/session"'],
    ["h3 useSession", 'export { useSession } from "h3"'],
    ["express-session", 'export { default } from "express-session"', "node"],
  ].map(([title, code, platform]) => ({ title, code, platform }));
  const sizes = [];
  const failures = [];
  for (const { title, code, platform } of [...ours, ...peers]) {
    try {
      const text = await bundled(code, platform);
      sizes.push({ title, min: text.length, gzip: gzipSync(text, { level: 9 }).length, ours: ours.some((each) => each.title === title) });
    } catch (error) {
      failures.push(`size of ${title}: ${error.message}`);
    }
  }
  return { sizes, failures, start: await coldStart(quick ? 3 : 31) };
}

export function print({ sizes, start }) {
  return `${sizeTable(sizes)}\n\n${startTable(start)}`;
}

export function sizeTable(sizes) {
  return table(
    ["import", "min+gzip kB", "min kB"],
    sizes.map(({ title, min, gzip }) => [title, (gzip / 1000).toFixed(1), (min / 1000).toFixed(1)]),
  );
}

export function startTable({ runtime, rows }) {
  return table(
    [`start in ${runtime}, from source to the first answer`, "CPU ms", "more than without"],
    rows.map(({ title, milliseconds }) => [title, figure(milliseconds), `${(milliseconds - rows[0].milliseconds).toFixed(1)} ms`]),
  );
}

/** Every entry of the package that is built, and the import that most users write. */
function entries() {
  const { exports } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const built = Object.keys(exports).filter((entry) => entry !== "./package.json" && exists(entry));
  return [
    ["{ createSessions } from @sojourn/session", importing("{ createSessions }", ".")],
    ...built.map((entry) => [`* from @sojourn/session${entry.slice(1)}`, importing("*", entry)]),
  ];
}

function exists(entry) {
  try {
    return existsSync(entryFile(entry));
  } catch {
    return false;
  }
}

const importing = (what, entry) => `export ${what} from ${JSON.stringify(fileURLToPath(entryFile(entry)))}`;

async function bundled(contents, platform = "browser", format = "esm") {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: here },
    bundle: true,
    minify: true,
    write: false,
    format,
    target: "es2022",
    platform,
    mainFields: ["module", "main"],
    conditions: ["workerd", "worker", "browser", "import"],
    external: ["node:*", "bun", "bun:*", "cloudflare:*", "hono", "hono/*", "express", "@hono/node-server"],
    logLevel: "silent",
  });
  return outputFiles[0].text;
}

/**
 * CPU to compile and run the bundle in a fresh V8 context, up to the first answer to a visitor without a cookie, beside a bare handler. Not
 * workerd itself: starting its process takes hundreds of milliseconds, give or take a hundred, in which this is lost.
 */
async function coldStart(rounds) {
  const scripts = [
    { title: "bare handler", code: 'globalThis.fetch = () => new Response("ok");' },
    { title: "with Sojourn", code: `${importing("{ createSessions }", ".").replace("export", "import")};${worker}` },
  ];
  for (const script of scripts) Object.assign(script, { text: await bundled(script.code, "browser", "iife"), found: [] });
  for (let round = 0; round < rounds; round += 1) {
    for (const { text, found } of scripts) {
      const context = createContext({ Request, Response, Headers, crypto, TextEncoder, TextDecoder, URL, console, performance });
      const request = new Request("http://localhost/");
      const before = process.cpuUsage();
      runInContext(`${text}//${round}`, context); // a text of its own each time, or V8 would remember what it compiled
      await context.fetch(request);
      const { user, system } = process.cpuUsage(before);
      found.push((user + system) / 1_000);
    }
  }
  return { runtime: `V8 ${process.versions.v8}`, rows: scripts.map(({ title, found }) => ({ title, milliseconds: median(found) })) };
}

const worker =
  'const sessions = createSessions(); globalThis.fetch = sessions.wrap((request, session) => new Response(session.get("user") ?? "ok"));';
