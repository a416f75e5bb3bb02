import { isStoreFailure } from "../errors.ts";
import type { Awaitable } from "../platform/awaitable.ts";
import { isPromise } from "../platform/awaitable.ts";
import type { EntryMeta, Version } from "../store.ts";
import type { Budget } from "./arrival.ts";
import { FRESH } from "./chain.ts";
import type { Context } from "./context.ts";

/** `store.create`, but a lost answer is settled by a look at what is there. */
export function create(
  context: Context,
  key: string,
  value: string,
  meta: EntryMeta,
  budget: Budget,
): Awaitable<Version | undefined> {
  return settled(context, key, value, budget, () => context.store.create(key, value, meta, budget));
}

/** `store.update`, but a lost answer is settled by a look at what is there. */
export function update(
  context: Context,
  key: string,
  value: string,
  meta: EntryMeta,
  expected: Version,
  budget: Budget,
): Awaitable<Version | undefined> {
  return settled(context, key, value, budget, () => context.store.update(key, value, meta, expected, budget));
}

function settled(
  context: Context,
  key: string,
  value: string,
  budget: Budget,
  write: () => Awaitable<Version | undefined>,
): Awaitable<Version | undefined> {
  try {
    const version = write();
    return isPromise(version) ? version.catch((error) => settle(context, key, value, error, budget)) : version;
  } catch (error) {
    return settle(context, key, value, error, budget);
  }
}

/** The store failed, or did not answer in time, and may have written all the same. */
async function settle(
  context: Context,
  key: string,
  value: string,
  error: unknown,
  budget: Budget,
): Promise<Version | undefined> {
  if (!isStoreFailure(error)) throw error;
  const entry = await Promise.resolve()
    .then(() => context.store.read(key, overtime(context, budget), FRESH))
    .catch(() => undefined); // the first error says more
  if (entry?.value === value) return entry.version;
  throw error;
}

/** What is left of a budget, or a quarter of `storeTimeout` where nothing is: to find out how things stand. */
export function overtime({ settings }: Context, budget?: Budget): Budget {
  return { left: Math.max(budget?.left ?? settings.storeTimeout, settings.storeTimeout / 4) };
}
