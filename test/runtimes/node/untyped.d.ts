/** The little that the tests use of packages that bring no types. */
declare module "koa" {
  import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

  export interface Context {
    readonly req: IncomingMessage;
    readonly res: ServerResponse;
    readonly path: string;
    body: unknown;
    status: number;
    respond: boolean;
    redirect(url: string): void;
    set(name: string, value: string): void;
    onerror(error: Error): void;
  }

  export default class Koa {
    use(middleware: (context: Context, next: () => Promise<void>) => unknown): this;
    on(event: "error", listener: (error: unknown) => void): this;
    callback(): RequestListener;
  }
}

declare module "express-4" {
  import express from "express";
  export default express;
}
