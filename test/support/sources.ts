import { fileURLToPath } from "node:url";

/** The argument by which Bun finds what the sources import by name. */
export const sourcePaths = `--tsconfig-override=${fileURLToPath(new URL("../../tsconfig.test.json", import.meta.url))}`;

/** The module to `--import` for Node, for the same. */
export const sourcePlatform: string = new URL("source-platform.js", import.meta.url).href;
