import { randomBytes } from "node:crypto";
import { Pool } from "pg";
import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { memoryStore, type SessionStore } from "../../src/index.ts";
import { postgresStore } from "../../src/stores/postgres.ts";
import { redisStore } from "../../src/stores/redis.ts";
import { describeWith, service } from "../services.ts";
import { type Ground, runHistory } from "./history.ts";
import type { Model } from "./model.ts";
import { withRepeatable } from "./repeatable.ts";

/** Another or more of them: HISTORY_SEED=7 runs that one alone, HISTORIES=500 so many. */
const only = process.env.HISTORY_SEED;
const count = Number(process.env.HISTORIES ?? 25);
const seeds = only === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(only)];
const own = `sojourn_${randomBytes(6).toString("hex")}`;

vi.setConfig({ testTimeout: 300_000 });

describe("histories in memory", () => {
  test.each(seeds)("seed %i: 5,000 steps of several browsers and processes", async (seed) => {
    const { counts } = await inMemory(seed, 5_000);
    // A history in which nothing happens proves nothing
    for (const what of [
      "add",
      "sign in",
      "renew",
      "destroy",
      "revoke all",
      "rotated",
      "restart",
      "store_failed",
      "lost",
    ]) {
      expect(counts[what], what).toBeGreaterThan(0);
    }
    expect(counts.expected).toBeGreaterThan(10);
  });
});

const redis = createClient({ url: "redis://127.0.0.1:6379" }).on("error", () => {});

describeWith(await service("redis"), "histories on Redis", () => {
  beforeAll(async () => void (await redis.connect()));
  afterAll(async () => {
    for await (const keys of redis.scanIterator({ MATCH: `${own}:*`, COUNT: 1000 }))
      if (keys.length > 0) await redis.unlink(keys);
    redis.destroy();
  });

  test.each([1, 2])("seed %i: 2,000 steps", (seed) =>
    onEngine(seed, (clock) => redisStore(redis, { prefix: `${own}:${seed}:`, clock })),
  );
});

const pool = new Pool({ host: "127.0.0.1", user: "postgres", database: "postgres" });
pool.on("error", () => {});

describeWith(await service("postgres"), "histories on PostgreSQL", () => {
  beforeAll(async () => {
    for (const seed of [1, 2]) await postgresStore(pool, { table: `${own}_${seed}` }).createTable();
  });
  afterAll(async () => {
    for (const seed of [1, 2]) await pool.query(`DROP TABLE ${own}_${seed}`);
    await pool.end();
  });

  test.each([1, 2])("seed %i: 2,000 steps", (seed) =>
    onEngine(seed, (clock) => postgresStore(pool, { table: `${own}_${seed}`, clock })),
  );
});

function inMemory(seed: number, steps: number): Promise<Model> {
  const start = 1_800_000_000_000;
  let now = start;
  const ground: Ground = {
    store: memoryStore({ clock: () => now }),
    start,
    seed,
    steps,
    settle: () => new Promise((resolve) => process.nextTick(resolve)),
    onTime: (time) => {
      now = time;
    },
  };
  return withRepeatable(() => runHistory(ground));
}

async function onEngine(seed: number, open: (clock: () => number) => SessionStore): Promise<void> {
  const start = Date.now();
  let now = start;
  const { counts } = await runHistory({
    store: open(() => now),
    start,
    seed,
    steps: 2_000,
    settle: () => new Promise((resolve) => setImmediate(resolve)),
    onTime: (time) => {
      now = time;
    },
  });
  expect(counts.expected).toBeGreaterThan(0);
}
