import { decodeStored } from "../../src/stored/record.ts";
import type { Execution, OrderError, Step } from "./explorer.ts";
import type { Scene } from "./world.ts";

/** An order that a person can follow, and how to run it again. */
export function storyOf(error: OrderError, scene: Scene): string {
  const { execution } = error;
  return [
    error.message,
    "",
    ...linesOf(execution, scene),
    "",
    `Again: ORDER='${argumentOf(scene, execution)}' npx vitest run test/proof/explorer.test.ts -t ORDER`,
  ].join("\n");
}

/** The conditions of a scene, as an argument names them. */
const FLAGS = {
  rotating: "rotating",
  "one process": "oneProcess",
  cached: "cached",
  "clocks apart": "clocksApart",
} as const satisfies Record<string, keyof Scene>;

/** What replays an order: kinds, conditions and operations. */
export function argumentOf(scene: Scene, { order }: Execution): string {
  const { kinds, fault, limit, pause } = scene;
  const conditions = [
    ...Object.entries(FLAGS).map(([name, flag]) => scene[flag] && name),
    limit !== undefined && `limit ${limit}`,
    pause !== undefined && `pause ${pause}`,
    fault && `${fault.fault} at ${fault.actor}.${fault.index}`,
  ].filter(Boolean);
  return [kinds.join(", "), conditions.join(", "), order.join(" ")].join(" | ");
}

/** The scene and the order of an argument. */
export function parseArgument(argument: string): { scene: Scene; order: string[] } {
  const [kinds = "", conditions = "", order = ""] = argument.split("|").map((part) => part.trim());
  const given = conditions.split(",").map((condition) => condition.trim());
  const number = (name: string) => {
    const found = given.find((condition) => condition.startsWith(`${name} `));
    return found && { [name]: Number(found.slice(name.length + 1)) };
  };
  const flags = Object.entries(FLAGS).map(([name, flag]) => [flag, given.includes(name)]);
  const fault = given.map((condition) => /^(.+) at (\d+)\.(\d+)$/.exec(condition)).find(Boolean);
  return {
    scene: {
      kinds: kinds.split(",").map((kind) => kind.trim()) as never,
      ...(Object.fromEntries(flags) as Pick<Scene, "rotating">),
      ...number("limit"),
      ...number("pause"),
      fault: fault ? { fault: fault[1] as never, actor: Number(fault[2]), index: Number(fault[3]) } : undefined,
    },
    order: order.split(" ").filter(Boolean),
  };
}

function linesOf({ steps }: Execution, { kinds, oneProcess }: Scene): string[] {
  const names = new Map<string, string>();
  const nameOf = (key: string): string => {
    if (!names.has(key)) names.set(key, `entry ${String.fromCharCode(65 + names.size)}`);
    return names.get(key)!;
  };
  const describe = (text: unknown): string => {
    const stored = decodeStored(text, Number.MAX_SAFE_INTEGER);
    if (stored === undefined) return "something that is none of ours";
    if (stored.kind === "forward") return `a forward to ${nameOf(stored.to)}${stored.until ? ", with a deadline" : ""}`;
    if (stored.kind === "ended") return stored.to ? `a tombstone that leads to ${nameOf(stored.to)}` : "a tombstone";
    const from = stored.previous ? `, rotated from ${nameOf(stored.previous)}` : "";
    return `the session ${stored.data}${stored.subject ? ` of ${stored.subject}` : ""}${from}`;
  };
  const labels = [...kinds, "time"].map((kind, index) => (oneProcess ? "" : `${index} ${kind}`));
  const width = Math.max(...labels.map(({ length }) => length));
  return steps.map((step) => {
    const text = sentence(step, step.key === undefined ? "" : nameOf(step.key), describe);
    return `${labels[step.actor]?.padEnd(width)}  ${text}${step.fault ? `  [${step.fault}]` : ""}`;
  });
}

function sentence({ name, asked, answer }: Step, entry: string, describe: (text: unknown) => string): string {
  switch (name) {
    case "read":
      return `reads ${entry}: ${answer ? describe((answer as { value: unknown }).value) : "nothing"}`;
    case "create":
      return `creates ${entry} as ${describe(asked[0])}${answer === undefined ? ": taken" : ""}`;
    case "update":
      return `makes ${entry} ${describe(asked[0])}${answer === undefined ? ": refused, another was first" : ""}`;
    case "keysOf":
      return `lists the sessions of ${asked[0]}: ${(answer as string[] | undefined)?.length}`;
    default:
      return entry === ""
        ? name
        : `${name}${name.endsWith("ch") ? "es" : "s"} ${entry}${answer === false ? ": refused" : ""}`;
  }
}
