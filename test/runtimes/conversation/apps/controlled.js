/** What the servers of the conversation share: the options of their sessions, and a clock that a test can put forward. */
import { describe } from "../../../../examples/site/site.js";

let ahead = 0;

export const clock = () => Date.now() + ahead;

/** @type {Omit<import("@sojourn/session").SessionsOptions, "store">} */
export const options = {
  clock,
  describe,
  cookie: { secure: "auto" },
  lifetime: { idle: 3_600, absolute: 14_400 },
  rotation: { every: 900, grace: 30, reuseWindow: 300 },
};

/**
 * Puts the clock forward: `POST /clock?by=milliseconds`. False: the request is none of that.
 *
 * @param {string | undefined} method
 * @param {string} url
 */
export function putForward(method, url) {
  const { pathname, searchParams } = new URL(url, "http://localhost");
  if (method !== "POST" || pathname !== "/clock") return false;
  ahead += Number(searchParams.get("by"));
  return true;
}
