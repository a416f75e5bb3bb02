/** A call of a store as text, and its answer: for a store that is in another process, which can be killed. */

/**
 * @param {import("@sojourn/session").SessionStore} store
 * @param {string} call `[method, ...arguments]`
 * @returns {Promise<string>} `{ value }` or `{ error }`
 */
export async function answer(store, call) {
  const [method, ...args] = JSON.parse(call);
  try {
    return JSON.stringify({ value: await store[method](...args.map((arg) => arg ?? undefined)) });
  } catch (error) {
    return JSON.stringify({ error: String(error) });
  }
}
