import { browser } from "../kit.js";

/**
 * What one visitor does with two servers at once: three messages that overlap, a sign-in and a sign-out that overlap
 * with a slow request each. Says what was lost, and which cookies open a user's session although they must not.
 */
async function visit(name, [one, two]) {
  const [here, there] = [browser(one), browser(two)];
  await here.post("/flash?text=first&wait=0");
  const share = () => browser(two, new Map(here.cookies));
  await Promise.all(
    ["a", "b", "c"].map((text, index) =>
      (index === 1 ? share() : browser(one, new Map(here.cookies))).post(`/flash?text=${text}&wait=${5 * index}`),
    ),
  );
  const messages = (await share().get("/flash")).json();
  const lost = ["first", "a", "b", "c"].filter((text) => !messages.includes(text)).length;

  const before = new Map(here.cookies);
  await Promise.all([
    browser(two, new Map(before)).post("/flash?text=late&wait=15"),
    here.post(`/login?username=${name}`),
  ]);
  const signedIn = (await here.get("/")).json().user === name;
  const stolen = (await browser(two, before).get("/")).json().user !== null;

  const open = new Map(here.cookies);
  await Promise.all([browser(two, new Map(open)).post("/flash?text=late&wait=15"), here.post("/logout")]);
  const revived =
    (await there.get("/")).json().user !== null || (await browser(two, open).get("/")).json().user !== null;
  return { lost, refused: signedIn ? 0 : 1, revived: (stolen ? 1 : 0) + (revived ? 1 : 0) };
}

/** So many visitors, so many of them at a time; what went wrong in all. */
export async function visitAll(count, atOnce, origins) {
  const sum = { lost: 0, refused: 0, revived: 0 };
  let next = 0;
  const run = async () => {
    while (next < count) {
      const outcome = await visit(`user-${next++}`, origins);
      for (const key of Object.keys(sum)) sum[key] += outcome[key];
    }
  };
  await Promise.all(Array.from({ length: atOnce }, run));
  return sum;
}
