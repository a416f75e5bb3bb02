import { describe, expect, test } from "vitest";
import { runProgram, startWorker } from "../runtimes/harness.ts";
import { describeWith, service } from "../services.ts";
import { sourcePaths } from "../support/sources.ts";
import { openVector, type report, type Vector, vectors } from "./sealed-runtimes/open.ts";

/*
 * The format of sealed cookies as a promise: sealed-vectors.json opens on every runtime, with either of the two ways to
 * decrypt, and after every upgrade; and what one runtime seals, another opens.
 */

type Report = Awaited<ReturnType<typeof report>>;

const program = new URL("sealed-runtimes/program.ts", import.meta.url).pathname;

async function expectSame({ opened, sealed }: Report): Promise<void> {
  expect(opened).toEqual(vectors.map(({ session }) => session));
  for (const [at, vector] of vectors.entries()) await expectOpens(vector, sealed[at] as string);
}

async function expectOpens(vector: Vector, sealedElsewhere: string): Promise<void> {
  if (vector.session === null) return expect(sealedElsewhere).toBe("");
  const { data, subject } = vector.session;
  expect(await openVector(vector, sealedElsewhere)).toMatchObject({ data, subject });
}

describe("sealed-vectors.json", () => {
  test.each(vectors.map((vector) => [vector.name, vector] as const))("opens: %s", async (_, vector) => {
    expect(await openVector(vector)).toEqual(vector.session);
  });
});

const [bun, deno] = [await service("bun"), await service("deno")];

describeWith(bun, "sealed-vectors.json on Bun", () => {
  test("opens, and what Bun seals opens on Node", async () => {
    await expectSame(JSON.parse(await runProgram(bun.path as string, [sourcePaths, program])) as Report);
  });
});

describeWith(deno, "sealed-vectors.json on Deno", () => {
  test("opens, and what Deno seals opens on Node", async () => {
    await expectSame(
      JSON.parse(await runProgram(deno.path as string, ["run", "--no-lock", "--quiet", program])) as Report,
    );
  });
});

describe("sealed-vectors.json on workerd", () => {
  test.each([false, true])(
    "opens, and what workerd seals opens on Node, with nodejs_compat %s",
    async (nodejsCompat) => {
      const worker = await startWorker({ entry: "test/contract/sealed-runtimes/worker.ts", nodejsCompat });
      try {
        await expectSame((await (await fetch(worker.url)).json()) as Report);
      } finally {
        await worker.stop();
      }
    },
  );
});
