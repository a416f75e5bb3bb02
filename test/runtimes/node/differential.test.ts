/** With the middleware a response has the bytes that plain Node gives it, and the lines of the session. */
import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { closedAfterEach } from "./after-each.ts";
import { rows } from "./answers.ts";
import { layer, layers, observe, onNode, plainNode } from "./differential.ts";

closedAfterEach();

const sessionLines = ["cache-control: no-store", "set-cookie: __host-http-session", "vary: cookie"];

test("the table is large enough to mean something", () => {
  expect(Object.keys(rows).length).toBeGreaterThanOrEqual(60);
});

describe.each(Object.entries(rows))("%s", (_name, { answer, method = "GET", before, headless, differs }) => {
  const listen = onNode(before as (response: ServerResponse) => void);

  test.each(layers)("is as on plain Node, over %s", async (kind) => {
    const plain = await observe(listen, plainNode, method, answer);
    const observed = await observe(listen, layer(kind), method, answer);
    if (differs?.compare !== "nothing") {
      expect(observed.bytes).toBe(plain.bytes);
      expect(observed.saw).toEqual(plain.saw);
    }
    expect([...observed.ours].sort()).toEqual(headless ? [] : sessionLines);
  });

  test.each(layers)("is the error page and nothing else when the store fails, over %s", async (kind) => {
    const page = await observe(listen, plainNode, method, (response) => response.writeHead(503).end("store_failed"));
    const observed = await observe(listen, layer(kind, true), method, (response, saw, request) =>
      Promise.resolve(answer(response, saw, request)).catch(() => {}),
    );
    // What was sent before the head cannot be taken back
    const final = observed.bytes.replace(/^HTTP\/1\.1 1\d\d .*?\r\n\r\n/s, "");
    expect(final).toBe(headless ? "" : page.bytes);
    expect(observed.ours).toEqual([]);
  });
});
