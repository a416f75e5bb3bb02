import { afterEach, expect } from "vitest";

/** What is pushed here is called after each test of the file, in which no promise may have been rejected unheard. */
export function closedAfterEach(): (() => unknown)[] {
  const opened: (() => unknown)[] = [];
  const rejections: unknown[] = [];
  process.on("unhandledRejection", (error) => rejections.push(error));
  afterEach(async () => {
    for (const close of opened.splice(0)) await close();
    expect(rejections.splice(0)).toEqual([]);
  });
  return opened;
}
