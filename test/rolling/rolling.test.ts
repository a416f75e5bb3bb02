/** A deployment that rolls out, is rolled back and rolls out again, with real processes on one Redis. */
import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { createSessions } from "@sojourn/session";
import { redisStore } from "@sojourn/session/redis";
import { createClient } from "redis";
import { afterAll, expect, test, vi } from "vitest";
import { describeWith, service } from "../services.ts";

type Release = "old" | "new";

/** What a session must hold, by the changes that were answered. */
interface Model {
  readonly cookie: string;
  readonly basket: string[];
  readonly cart: string[];
}

const CHANGES = 10_000;
const SESSIONS = 25;
/** Requests under way at once. */
const IN_FLIGHT = 12;
/** Which code serves, one phase after the other: before, rolling out, after, rolled back, and rolled out again. */
const PHASES: readonly (readonly Release[])[] = [
  ["old", "old"],
  ["old", "new"],
  ["new", "new"],
  ["new", "old"],
  ["old", "old"],
  ["old", "new"],
  ["new", "new"],
  ["old", "new"],
];

vi.setConfig({ testTimeout: 300_000 });

describeWith(await service("redis"), "a rolling deployment", () => {
  const prefix = `rolling-${randomUUID()}:`;
  const processes: ChildProcess[] = [];
  const waiting = new Map<string, (error: string | undefined) => void>();

  async function start(release: Release): Promise<ChildProcess> {
    const child = fork(join(import.meta.dirname, "worker.js"), [JSON.stringify({ release, prefix })]);
    processes.push(child);
    return new Promise((resolve, reject) => {
      child.on("exit", (code) => reject(new Error(`a server ended with ${code}`)));
      child.on("message", (message: { ready?: true; id?: string; error?: string }) => {
        if (message.ready) resolve(child);
        else waiting.get(message.id ?? "")?.(message.error);
      });
    });
  }

  function change(server: ChildProcess, id: string, cookie: string): Promise<string | undefined> {
    return new Promise((resolve) => {
      waiting.set(id, resolve);
      server.send({ id, cookie });
    });
  }

  afterAll(() => {
    for (const child of processes) child.removeAllListeners("exit").kill();
  });

  test(`${CHANGES} changes by old and new code in turns: nothing is lost and nobody is signed out`, async () => {
    const client = await createClient({ url: "redis://127.0.0.1:6379" }).connect();
    const raw = createSessions<Record<string, unknown>>({ store: redisStore(client, { prefix }) });
    const servers = {
      old: [await start("old"), await start("old")],
      new: [await start("new"), await start("new")],
    };
    const models: Model[] = [];
    for (let at = 0; at < SESSIONS; at++) {
      const session = await raw.load(new Request("https://shop.example/"));
      session.signIn(`user-${at}`);
      const [line = ""] = (await raw.commit(session)).getSetCookie();
      models.push({ cookie: line.slice(0, line.indexOf(";")), basket: [], cart: [] });
    }

    let sent = 0;
    const errors: string[] = [];
    const client_ = async (): Promise<void> => {
      while (sent < CHANGES) {
        const number = sent++;
        const phase = PHASES[Math.floor((number * PHASES.length) / CHANGES)] as readonly Release[];
        const release = phase[number % phase.length] as Release;
        const model = models[(number * 7) % SESSIONS] as Model;
        const server = servers[release][(number >> 1) % 2] as ChildProcess;
        const error = await change(server, `${number}`, model.cookie);
        if (error) errors.push(error);
        else model[release === "old" ? "basket" : "cart"].push(`${number}`);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, client_));

    expect(errors).toEqual([]);
    for (const [at, { cookie, basket, cart }] of models.entries()) {
      const session = await raw.load(new Request("https://shop.example/", { headers: { cookie } }));
      expect(session.subject).toBe(`user-${at}`);
      const data = session.all() as { basket: string[]; cart: { id: string }[] };
      expect(data).toMatchObject({
        seen: basket.length + cart.length,
        likes: cart.length,
        profile: { visits: basket.length, stars: cart.length },
      });
      expect([...data.basket].sort()).toEqual([...basket].sort());
      // What was in the basket when new code first changed it, then what new code added
      const ids = data.cart.map(({ id }) => id);
      const migrated = ids.length - cart.length;
      expect(ids.slice(0, migrated)).toEqual(data.basket.slice(0, migrated));
      expect(ids.slice(migrated).sort()).toEqual([...cart].sort());
      expect(migrated).toBeGreaterThan(0);
    }
    await client.close();
  });
});
