/** What the worker under test imports, in our own words: the real types would replace those of the whole project. */
declare module "cloudflare:workers" {
  export const env: import("./workers-stores.ts").TestEnv;

  export class DurableObject<Env> {
    protected readonly ctx: object;
    protected readonly env: Env;
    constructor(ctx: object, env: Env);
    fetch(request: Request): Promise<Response>;
    alarm(): Promise<void>;
  }
}
