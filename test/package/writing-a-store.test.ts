import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { runProgram } from "../runtimes/harness.ts";
import { service, testWith } from "../services.ts";
import { packageJson, root } from "./manifests.ts";
import { blocksOf } from "./markdown.ts";

// The page is followed to the letter: two files, one import, and the whole contract passes.

const page = "docs/writing-a-store.md";

for (const version of ["node-24", "node-26"] as const) {
  const node = await service(version);
  testWith(node, `the store of ${page} passes its suite on ${version}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "sojourn-store-"));
    try {
      const modules = join(folder, "node_modules", packageJson.name);
      mkdirSync(join(modules, ".."), { recursive: true });
      symlinkSync(root, modules, "junction");
      writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
      writeFileSync(join(folder, "note-store.ts"), codeOf("note-store.ts"));
      writeFileSync(
        join(folder, "note-store.test.ts"),
        `import { noteStore } from "./note-store.ts";\n${codeOf("note-store.test.ts")}`,
      );
      const output = await runProgram(
        node.path ?? "",
        ["--no-warnings", "--test-reporter=tap", join(folder, "note-store.test.ts")],
        {
          cwd: folder,
        },
      );
      expect(output).toMatch(/^# fail 0$/m);
      expect(Number(/^# pass (\d+)$/m.exec(output)?.[1])).toBeGreaterThan(40);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

/** The block that begins with the file's name. */
function codeOf(file: string): string {
  const block = blocksOf(page).find(({ code }) => code.startsWith(`// ${file}\n`));
  if (block === undefined) throw new Error(`${page} has no block that begins with // ${file}`);
  return block.code;
}
