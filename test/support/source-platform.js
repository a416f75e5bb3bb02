// For Node that runs the sources: `#platform` is a file of src, before anything is built.
import { registerHooks } from "node:module";

const url = new URL("../../src/platform/node.ts", import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "#platform" ? { url, format: "module-typescript", shortCircuit: true } : next(specifier, context),
});
