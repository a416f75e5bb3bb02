import { describe, expect, test } from "vitest";
import type { Entry, SessionStore } from "../../src/index.ts";
import { memoryStore } from "../../src/index.ts";
import { behaviourOf } from "./behaviour.ts";
import { combinations, exploreScene, replayScene } from "./explore.ts";
import { explore, type Operation, type Program } from "./explorer.ts";
import { withRepeatable } from "./repeatable.ts";
import { parseArgument } from "./story.ts";
import { programOf, type Scene, type World } from "./world.ts";

describe("the explorer", () => {
  test("tries every order of what does not commute: two actors with three writes each have 20", async () => {
    const seen = new Set<string>();
    const counts = await explore(writers(["x", "x", "x"], ["x", "x", "x"], seen));
    expect(counts.executions).toBe(20);
    expect(seen.size).toBe(20);
  });

  test("tries one order of what commutes", async () => {
    expect(await explore(writers(["x", "x"], ["y", "y"], new Set()))).toMatchObject({ executions: 1 });
  });

  test("tries each order of the two writes that meet, and none twice", async () => {
    const counts = await explore(writers(["x", "a", "b"], ["c", "d", "x"], new Set()));
    expect(counts.executions).toBe(2);
  });

  test.each([false, true])(
    "leaves nothing out: the outcomes of all pairs are the same when every order is tried (rotating: %s)",
    async (rotating) => {
      for (const kinds of combinations(["read", "count", "sign in", "renew", "destroy", "revoke"], 2)) {
        const [reduced, all] = [new Set<string>(), new Set<string>()];
        await withRepeatable(async () => {
          await explore({ ...(await programOf({ kinds, rotating }, outcomesInto(reduced))), alike: [] });
          const everything = { ...(await programOf({ kinds, rotating }, outcomesInto(all))), alike: [] };
          await explore(everything, { reduce: false });
        });
        expect([kinds, ...[...reduced].sort()]).toEqual([kinds, ...[...all].sort()]);
      }
    },
  );
});

describe("what the explorer finds", () => {
  test("a store that does not compare before it sets loses a change", async () => {
    const store = wrong((memory) => ({
      update: (key, value, meta) =>
        memory.update(key, value, meta, (memory.read(key) as Entry | undefined)?.version ?? 0),
    }));
    const story = await storyOf({ kinds: ["count", "count"], rotating: false, store });
    expect(story).toContain("count is 1");
  });

  test("a store that forgets tombstones lets a request bring back what was ended", async () => {
    const store = wrong((memory) => ({
      update(key, value, meta, expected) {
        const version = memory.update(key, value, meta, expected);
        if (version !== undefined && value.includes('"ended"')) memory.delete(key);
        return version;
      },
    }));
    const story = await storyOf({ kinds: ["renew", "destroy"], rotating: false, store });
    expect(story).toMatch(/opens again|can be read/);
  });

  test("a commit that tries again without reading again loses a change", async () => {
    const store = wrong((memory) => ({
      update(key, value, meta, expected) {
        const entry = memory.read(key) as Entry | undefined;
        return memory.update(key, value, meta, expected) ?? (entry && memory.update(key, value, meta, entry.version));
      },
    }));
    const story = await storyOf({ kinds: ["count", "destroy"], rotating: false, store });
    expect(story).toMatch(/opens again|can be read/);
  });

  test("is told as a story, and its last line replays it", async () => {
    const store = wrong((memory) => ({
      update: (key, value, meta) =>
        memory.update(key, value, meta, (memory.read(key) as Entry | undefined)?.version ?? 0),
    }));
    const story = await storyOf({ kinds: ["count", "count"], rotating: false, store });
    expect(story.split("\n").slice(2, -2)).toEqual([
      '0 count  reads entry A: the session {"start":"start","count":0}',
      '1 count  reads entry A: the session {"start":"start","count":0}',
      '0 count  makes entry A the session {"start":"start","count":1}',
      '1 count  makes entry A the session {"start":"start","count":1}',
    ]);
    const argument = /ORDER='(.+)'/.exec(story)?.[1] as string;
    const { scene, order } = parseArgument(argument);
    expect(await replayScene({ ...scene, store }, order).catch((error: Error) => error.message)).toBe(story);
    expect(await replayScene(scene, order)).toMatchObject({ executions: 1 });
  });
});

/** Two actors that write their names to the given keys, one after the other. */
function writers(first: string[], second: string[], seen: Set<string>): Program {
  const order: string[] = [];
  const machineOf = (keys: readonly string[], actor: number) =>
    behaviourOf({
      start(ask) {
        void (async () => {
          for (const key of keys) await ask(write(actor, key, order));
        })();
        return { outcome: () => null };
      },
    });
  return {
    machines: [first, second].map(machineOf),
    reset: () => void order.splice(0),
    state: () => order.join(""),
    judge: () => void seen.add(order.join("")),
  };
}

function write(actor: number, key: string, order: string[]): Operation {
  const effect = () => void order.push(`${actor}${key}`);
  return { actor, name: "write", key, isRead: () => false, changesIndex: () => false, effect };
}

/** All that can be told of an execution, without the names of tokens. */
function outcomesInto(found: Set<string>): (world: World) => Promise<void> {
  return async ({ outcomes, tokens, look, liveRecords }) => {
    const names = new Map(tokens.map((token, index) => [token, index]));
    const nameOf = (token: string | undefined) => (token === undefined ? "-" : (names.get(token) ?? token));
    const answers = outcomes.map(({ answers, error }) => [
      String(error),
      ...answers.map(({ cookie, saw, ended }) => [nameOf(cookie), saw, ended]),
    ]);
    const looks = [];
    for (const token of tokens) {
      const { live, data, subject, offered } = await look(token);
      looks.push([nameOf(token), live, data, subject, nameOf(offered)]);
    }
    found.add(JSON.stringify([answers, looks, liveRecords()]));
  };
}

/** The memory store, but for what is wrong with it. */
function wrong(change: (memory: SessionStore) => Partial<SessionStore>): NonNullable<Scene["store"]> {
  return (clock) => {
    const memory = memoryStore({ clock });
    return { ...memory, ...change(memory) };
  };
}

async function storyOf(scene: Scene): Promise<string> {
  const counts = await exploreScene(scene).catch((error: Error) => error);
  if (!(counts instanceof Error)) throw new Error(`Nothing was found in ${counts.executions} executions`);
  return counts.message;
}

const argument = process.env.ORDER;
if (argument !== undefined) {
  test("the order that ORDER names", async () => {
    const { scene, order } = parseArgument(argument);
    await replayScene(scene, order);
  });
}
