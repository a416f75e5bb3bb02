/** The little of Deno that server.ts calls, so that it can be checked without Deno. */
declare const Deno: {
  openKv(path: string): Promise<import("@sojourn/session/deno").DenoKv>;
  serve(
    options: { port: number; onListen(address: { port: number }): void },
    handler: (request: Request) => Response | Promise<Response>,
  ): { shutdown(): Promise<void>; readonly finished: Promise<void> };
  addSignalListener(signal: "SIGINT" | "SIGTERM", listener: () => void): void;
  readonly env: { get(name: string): string | undefined };
  exit(): never;
};
