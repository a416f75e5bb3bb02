import { describe, expect } from "vitest";
import { redisServerProgram } from "../contract/redis-server.ts";
import { service, testWith } from "../services.ts";
import { faultsIn } from "./check.ts";
import { type FaultyEngine, openPostgres, startRedis } from "./engines.ts";
import { runWithFaults } from "./run.ts";

/*
 * Four processes on one engine, killed and cut off at random, and a checker that reads what they wrote down.
 *
 * FAULTS_SEED repeats the operations and the order of faults of a run, FAULTS_OPERATIONS makes it longer.
 */

const seed = Number(process.env.FAULTS_SEED ?? Date.now() % 1_000_000);
/** In all. */
const total = Number(process.env.FAULTS_OPERATIONS ?? 20_000);

interface Run {
  readonly needs: Parameters<typeof testWith>[0];
  readonly open: () => Promise<FaultyEngine>;
  readonly operations: number;
}

/**
 * PostgreSQL is the slower of the two: a fair share of the two minutes that both may take is less than half of the
 * operations.
 */
const runs: Record<string, Run> = {
  Redis: { needs: redisServerProgram(), open: startRedis, operations: Math.ceil(total * 0.6) },
  PostgreSQL: { needs: await service("postgres"), open: openPostgres, operations: Math.ceil(total * 0.4) },
};

describe("four processes that are killed and cut off", () => {
  for (const [name, { needs, open, operations }] of Object.entries(runs)) {
    // Only so that nothing runs for ever
    const limit = Math.max(180_000, operations * 30);
    testWith(
      needs,
      `lose no acknowledged change, bring back no ended session and log nobody out, on ${name}`,
      async () => {
        const engine = await open();
        try {
          console.log(`${name}: FAULTS_SEED=${seed} FAULTS_OPERATIONS=${total}`);
          const begun = performance.now();
          const { history, finals, struck } = await runWithFaults(engine, { seed, operations, limit });
          const outcomes = countBy(history.map(({ outcome }) => outcome));
          const seconds = ((performance.now() - begun) / 1000).toFixed(1);
          console.log(
            `${name}: ${history.length} operations in ${seconds} s, ${JSON.stringify({ outcomes, struck, tokens: finals.length })}`,
          );
          expect(faultsIn(history, finals)).toEqual([]);
          expect(history.length).toBeGreaterThanOrEqual(operations);
          // Otherwise the run showed nothing.
          expect(outcomes.ok).toBeGreaterThan(operations / 2);
          expect(outcomes.error).toBeGreaterThan(0);
          expect(struck["a process is killed"]).toBeGreaterThan(0);
        } finally {
          await engine.close();
        }
      },
      limit + 60_000,
    );
  }
});

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
