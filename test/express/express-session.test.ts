import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import session from "@sojourn/session/express-session";
import { describe, expect, test } from "vitest";
import { describeWith, service } from "../services.ts";

type Options = Record<string, unknown>;
/** Makes a middleware; the options are those that both know. */
type Make = (options?: Options) => unknown;
type Stories = Record<string, (make: Make) => Promise<void>>;

const folder = new URL("./", import.meta.url);
const packages = await service("express-packages");

/** Applications in JavaScript, since their packages need not be installed for `tsc`. */
async function storiesIn(place: string): Promise<[string, Stories[string]][]> {
  if (!packages.available) return [];
  const modules = readdirSync(new URL(place, folder)).map((file) => import(new URL(`${place}/${file}`, folder).href));
  return Object.entries(Object.assign({}, ...(await Promise.all(modules)).map((module) => module.stories)) as Stories);
}

const stories = await storiesIn("stories");
const plugins = await storiesIn("plugins");

describeWith(packages, "packages beside a session", () => {
  const makers: Record<string, Make> = {
    "@sojourn/session/express-session": (options) => session({ cookie: { secure: "auto" }, ...options }),
    // What fails with it too is the story's own fault
    "express-session itself": (options) =>
      expressSession({ secret: "s", resave: false, saveUninitialized: false, ...options }),
  };
  describe.each(Object.entries(makers))("%s", (_name, make) => {
    test.each(stories)("%s", async (_story, run) => run(make));
  });
});

describeWith(packages, "Fastify and Koa", () => {
  test.each(plugins)("%s", async (_story, run) => run(() => undefined));
});

test("the page names the versions that are run", () => {
  const { devDependencies } = JSON.parse(readFileSync(new URL("package.json", folder), "utf8"));
  const page = readFileSync(new URL("../../docs/express.md", folder), "utf8");
  const rows = [...page.matchAll(/^\| (@?[\w/-]+) \| (\d[\d.]*) \|$/gm)].map(([, name, version]) => [name, version]);
  expect(rows.length).toBeGreaterThan(20);
  expect(rows).toEqual(rows.map(([name]) => [name, devDependencies[name as string]]));
});

function expressSession(options: Options): unknown {
  const require = createRequire(new URL("package.json", folder));
  return (require("express-session") as (options: Options) => unknown)(options);
}
