/**
 * Tools for tests: the store contract as a suite that any store can be put to, and helpers for the tests of an application.
 *
 * @module
 */
export { type MakeStore, type StoreCapabilities, type StoreTestOptions, testStore } from "./testing/test-store.ts";
