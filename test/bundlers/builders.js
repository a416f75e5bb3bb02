/**
 * The bundlers, a function each: builds a file as an application would, and gives the code and the names of the files that went into it.
 * A warning fails as an error does. JavaScript, since the types of the bundlers are only there where those are installed.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { build as esbuildBuild } from "esbuild";
import { rollup as rollupBuild } from "rollup";
import { build as viteBuild } from "vite";
import webpackCompiler from "webpack";

const run = promisify(execFile);

/** What no bundle can hold, or no application need have. */
const external = ["node:*", "bun:*", "cloudflare:*", "@hono/node-server"];
const isExternal = (name) =>
  external.some((one) => name === one || (one.endsWith("*") && name.startsWith(one.slice(0, -1))));
const fail = (warning) => {
  throw new Error(warning.message ?? warning.text ?? warning);
};

/** Options of esbuild. */
export async function esbuild(file, format, options) {
  const { outputFiles, metafile, warnings } = await esbuildBuild({
    entryPoints: [file],
    bundle: true,
    format,
    write: false,
    metafile: true,
    logLevel: "silent",
    external,
    ...options,
  });
  warnings.forEach(fail);
  const [{ inputs }] = Object.values(metafile.outputs);
  const used = Object.keys(inputs).filter((name) => inputs[name].bytesInOutput > 0);
  return { code: outputFiles[0].text, inputs: used };
}

/** Options of Vite; it builds with Rolldown. */
export async function vite(file, _format, { build, ...options }) {
  const result = await viteBuild({
    root: dirname(file),
    configFile: false,
    logLevel: "silent",
    ...options,
    build: {
      lib: { entry: file, formats: ["es"] },
      write: false,
      minify: false,
      rolldownOptions: { external: isExternal, onwarn: fail },
      ...build,
    },
  });
  return fromChunks([result].flat()[0].output);
}

/** Options of the plugin that finds packages. */
export async function rollup(file, _format, options) {
  const bundle = await rollupBuild({
    input: file,
    external: isExternal,
    plugins: [nodeResolve(options)],
    onwarn: fail,
  });
  return fromChunks((await bundle.generate({ format: "es" })).output);
}

function fromChunks(chunks) {
  if (chunks.length !== 1) throw new Error(`${chunks.length} files came out`);
  return { code: chunks[0].code, inputs: namesOf(chunks[0].modules) };
}

function namesOf(modules) {
  return Object.keys(modules).filter((name) => modules[name].renderedLength !== 0);
}

/** Options of webpack. */
export async function webpack(file, format, options) {
  const folder = await mkdtemp(join(dirname(file), "webpack-"));
  const type = format === "esm" ? "module" : "commonjs2";
  const compiler = webpackCompiler({
    mode: "production",
    context: dirname(file),
    entry: file,
    externals: ({ request }, done) => (isExternal(request) ? done(null, `${type} ${request}`) : done()),
    experiments: { outputModule: format === "esm" },
    output: { path: folder, filename: "bundle", library: { type } },
    optimization: { minimize: false },
    ...options,
  });
  const stats = await promisify(compiler.run.bind(compiler))();
  await promisify(compiler.close.bind(compiler))();
  const { errors, warnings, modules } = stats.toJson({
    ...{ all: false, errors: true, warnings: true, modules: true, nestedModules: true },
    ...{ modulesSpace: Number.POSITIVE_INFINITY, nestedModulesSpace: Number.POSITIVE_INFINITY },
  });
  [...errors, ...warnings].forEach(fail);
  const inputs = modules.flatMap((one) => [one, ...(one.modules ?? [])]).flatMap((one) => one.name ?? []);
  return { code: await readFile(join(folder, "bundle"), "utf8"), inputs };
}

/** The program and its flags. */
export async function bun(file, format, { program, flags }) {
  const metafile = join(await mkdtemp(join(dirname(file), "bun-")), "meta.json");
  const externals = external.flatMap((one) => ["--external", one]);
  const all = ["build", file, `--format=${format}`, `--metafile=${metafile}`, ...externals, ...flags];
  const { stdout, stderr } = await run(program, all, { cwd: dirname(file), maxBuffer: 1e8 });
  if (/error|warn/i.test(stderr)) fail(stderr);
  return { code: stdout, inputs: Object.keys(JSON.parse(await readFile(metafile, "utf8")).inputs) };
}
