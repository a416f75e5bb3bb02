import { type ChildProcess, spawn } from "node:child_process";
import { request as ask } from "node:http";
import { text } from "node:stream/consumers";
import type { SessionStore } from "@sojourn/session";
import { root } from "../../runtimes/harness.ts";
import { freePort } from "../engines.ts";
import type { Faults } from "./engine.ts";

/** A store in a process of its own, which can be killed. */
export interface StoreProcess {
  readonly store: SessionStore;
  readonly faults: Faults;
  close(): Promise<void>;
}

/** The program is given its last argument, a free port, and writes a line when it listens there. */
export async function startStoreProcess(command: string, args: readonly string[]): Promise<StoreProcess> {
  const port = await freePort();
  let child: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    const ended = new Promise((resolve) => child?.once("exit", resolve));
    if (child?.kill("SIGKILL")) await ended;
    child = undefined;
  };
  async function start(): Promise<void> {
    const started = spawn(command, [...args, String(port)], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
    child = started;
    await new Promise<void>((resolve, reject) => {
      started.stdout.once("data", () => resolve());
      started.once("error", reject);
      started.once("exit", (code) => reject(new Error(`${command} ended with ${code}`)));
    });
  }
  const atExit = (): void => void child?.kill("SIGKILL");
  process.once("exit", atExit);
  await start();
  return {
    store: remoteStore(port),
    faults: { killed: [stop, start] },
    close: () => stop().finally(() => process.off("exit", atExit)),
  };
}

function remoteStore(port: number): SessionStore {
  async function call<T>(...what: unknown[]): Promise<T> {
    const { value, error } = JSON.parse(await post(port, JSON.stringify(what))) as { value?: T; error?: string };
    if (error !== undefined) throw new Error(error);
    return value as T;
  }
  return {
    read: (key) => call("read", key),
    create: (key, value, meta) => call("create", key, value, meta),
    update: (key, value, meta, expected) => call("update", key, value, meta, expected),
    delete: (key, expected) => call("delete", key, expected),
    touch: (key, expiresAt, expected) => call("touch", key, expiresAt, expected),
    keysOf: (subject) => call("keysOf", subject),
  };
}

/** One connection for each call: one that is kept might be found closed. */
function post(port: number, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    ask({ port, host: "127.0.0.1", method: "POST", agent: false }, (response) => {
      text(response).then(resolve, reject);
    })
      .once("error", reject)
      .end(body);
  });
}
