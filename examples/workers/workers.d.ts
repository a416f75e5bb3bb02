/** The little of Workers that worker.ts imports, with the bindings of wrangler.jsonc. */
declare module "cloudflare:workers" {
  export const env: { SESSIONS: import("@sojourn/session/workers").SessionObjectNamespace };
}
