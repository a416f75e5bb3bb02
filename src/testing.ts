/**
 * Tools for tests: the store contract as a suite that any store can be put to ({@link testStore}), and for the tests of
 * an application a signed-in user ({@link signedIn}) and a client that keeps cookies ({@link cookieJar}).
 *
 * @module
 */
export { checkSchema } from "./testing/check-schema.ts";
export { type CookieJar, type CookieJarOptions, cookieJar } from "./testing/cookie-jar.ts";
export { signedIn } from "./testing/signed-in.ts";
export {
  type MadeStore,
  type MakeStore,
  type StoreCapabilities,
  type StoreTestOptions,
  testStore,
} from "./testing/test-store.ts";
