import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Stands between the processes and an engine, and makes the network what it is on a bad day. */
export interface NetworkProxy {
  readonly port: number;
  /** Both ends see their connection reset. */
  cut(which?: Choice): void;
  /** The engine hears that the client is done; the client hears nothing and waits for its answers. */
  halfClose(which?: Choice): void;
  /** Requests reach the engine, answers reach nobody; the connections are cut after `ms`. */
  swallow(ms: number, which?: Choice): void;
  /** Nothing passes in either direction for `ms`, then everything does. */
  delay(ms: number, which?: Choice): void;
  /** As if the engine were not there: connections are cut, and new ones refused until `allow`. */
  refuse(): void;
  allow(): void;
  /** Accepts connections and passes nothing on, as a network does that drops packets, until `speak`. */
  silence(): void;
  speak(): void;
  close(): Promise<void>;
}

/** Which connections a fault strikes. Default: all of them. */
export type Choice = () => boolean;

interface Link {
  readonly client: Socket;
  readonly engine: Socket;
  swallowing: boolean;
}

const all: Choice = () => true;

export async function startProxy(target: number): Promise<NetworkProxy> {
  const links = new Set<Link>();
  let refusing = false;
  let silent = false;

  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on("error", () => {});
    if (refusing) return void client.resetAndDestroy();
    const engine = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    const link: Link = { client, engine, swallowing: false };
    links.add(link);
    if (silent) for (const side of [client, engine]) side.pause();
    client.setNoDelay(true);
    client.on("data", (chunk) => engine.write(chunk));
    engine.on("data", (chunk) => link.swallowing || client.write(chunk));
    client.on("end", () => engine.end());
    engine.on("end", () => client.end());
    engine.on("error", () => reset(link));
    for (const side of [client, engine]) side.on("close", () => reset(link));
  });

  function reset(link: Link): void {
    if (!links.delete(link)) return;
    if (!link.client.destroyed) link.client.resetAndDestroy();
    link.engine.destroy();
  }

  function chosen(which: Choice): Link[] {
    return [...links].filter(which);
  }

  function cut(which: Choice = all): void {
    for (const link of chosen(which)) reset(link);
  }

  function later(ms: number, work: () => void): void {
    setTimeout(work, ms).unref();
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    halfClose(which = all) {
      for (const link of chosen(which)) link.engine.end();
    },
    swallow(ms, which = all) {
      for (const link of chosen(which)) {
        link.swallowing = true;
        later(ms, () => reset(link));
      }
    },
    delay(ms, which = all) {
      for (const { client, engine } of chosen(which)) {
        for (const side of [client, engine]) {
          side.pause();
          later(ms, () => side.resume());
        }
      }
    },
    refuse() {
      refusing = true;
      cut();
    },
    allow() {
      refusing = false;
    },
    silence() {
      silent = true;
      for (const { client, engine } of links) for (const side of [client, engine]) side.pause();
    },
    speak() {
      silent = false;
      for (const { client, engine } of links) for (const side of [client, engine]) side.resume();
    },
    async close() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
