/**
 * First match wins: a browser's User-Agent also names those it descends from. @type {ReadonlyArray<[RegExp, string]>}
 */
const browsers = [
  [/\bEdg/, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bFirefox\/|\bFxiOS\//, "Firefox"],
  [/\bChromium\//, "Chromium"],
  [/\bHeadlessChrome\/|\bChrome\/|\bCriOS\//, "Chrome"],
  [/\bSafari\//, "Safari"],
  [/\bcurl\//, "curl"],
];

/** @type {ReadonlyArray<[RegExp, string]>} */
const systems = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

/**
 * What a person sees in the list of their sessions, such as "Firefox on Linux". Only our own words: nothing of the
 * header itself is kept. It goes to `createSessions` as its option `describe`.
 *
 * @param {{ headers: { get(name: string): string | null } }} request
 * @returns {{ device: string }}
 */
export function describe(request) {
  const agent = request.headers.get("user-agent")?.slice(0, 512) ?? "";
  const named = (/** @type {ReadonlyArray<[RegExp, string]>} */ table) =>
    table.find(([pattern]) => pattern.test(agent))?.[1];
  const browser = named(browsers) ?? "Some client";
  const system = named(systems);
  return { device: system === undefined ? browser : `${browser} on ${system}` };
}
