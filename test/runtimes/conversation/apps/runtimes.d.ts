/**
 * The little of Bun and Deno that the apps use, in our own words: the real types would replace those of the whole
 * project.
 */
declare module "bun:sqlite" {
  export const Database: new (path: string) => import("@sojourn/session/bun").SqliteDatabase;
}

declare const Bun: {
  serve(options: {
    port: number;
    fetch(request: Request): Response | Promise<Response>;
    websocket: { message(): void };
  }): {
    readonly port: number;
    upgrade(request: Request): boolean;
  };
};

declare const WebSocketPair: new () => Record<number, { accept(): void }>;

declare const Deno: {
  readonly args: readonly string[];
  upgradeWebSocket(request: Request): { readonly response: Response };
  openKv(path: string): Promise<import("@sojourn/session/deno").DenoKv>;
  serve(
    options: { port: number; onListen(address: { port: number }): void },
    handler: (request: Request) => Response | Promise<Response>,
  ): unknown;
};
