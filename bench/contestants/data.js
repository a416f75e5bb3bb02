/** What a session holds in the measurements: three keys, or the same with a cart of about 2 kB. */
export function sessionData(size, user = "alice-0001") {
  const small = { user, visits: 0, theme: "dark" };
  return size === "medium" ? { ...small, cart: cart(2_000) } : small;
}

/** A list of plain objects that takes about `bytes` bytes as JSON. */
export function cart(bytes) {
  return Array.from({ length: Math.max(1, Math.round(bytes / 80)) }, (_, index) => ({
    id: 100_000 + index,
    title: "A book with quite a usual title",
    price: 19.5,
    note: "gift",
  }));
}

export const secret = "a-secret-of-the-benchmark-with-at-least-32-characters";
