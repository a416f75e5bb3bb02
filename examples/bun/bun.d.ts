/** The little of Bun that server.ts calls, so that it can be checked without Bun's types. */
declare module "bun:sqlite" {
  export class Database {
    constructor(file: string);
    prepare(sql: string): {
      all(...values: unknown[]): unknown[];
      run(...values: unknown[]): { changes: number | bigint };
    };
  }
}

declare const Bun: {
  serve(options: { port: number; fetch(request: Request): Response | Promise<Response> }): {
    readonly port: number;
    stop(): Promise<void>;
  };
};
