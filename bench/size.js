import { existsSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { bundled, from } from "./bundle.js";
import { entryFile } from "./contestants/sojourn.js";
import { table } from "./table.js";

/** What an import weighs, dependencies included and frameworks left out, minified and gzipped. */
export async function measure() {
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
      sizes.push({
        title,
        min: text.length,
        gzip: gzipSync(text, { level: 9 }).length,
        ours: ours.some((each) => each.title === title),
      });
    } catch (error) {
      failures.push(`size of ${title}: ${error.message}`);
    }
  }
  return { sizes, failures };
}

export const print = ({ sizes }) => sizeTable(sizes);

export function sizeTable(sizes) {
  return table(
    ["import", "min+gzip kB", "min kB"],
    sizes.map(({ title, min, gzip }) => [title, (gzip / 1000).toFixed(1), (min / 1000).toFixed(1)]),
  );
}

/** Every entry of the package that is built, and the import that most users write. */
function entries() {
  const { exports } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const built = Object.keys(exports).filter((entry) => entry !== "./package.json" && exists(entry));
  return [
    ["{ createSessions } from @sojourn/session", from("export { createSessions }", ".")],
    ...built.map((entry) => [`* from @sojourn/session${entry.slice(1)}`, from("export *", entry)]),
  ];
}

function exists(entry) {
  try {
    return existsSync(entryFile(entry));
  } catch {
    return false;
  }
}
