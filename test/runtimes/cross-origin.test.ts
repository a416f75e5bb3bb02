/** What a real browser sends from other origins, and what of it reaches a session. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createSessions, type Session, type Sessions } from "@sojourn/session";
import { type Browser, type BrowserContext, chromium } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { describeWith, service } from "../services.ts";

const installed = await service("chromium");

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** What the server saw of one request. */
interface Seen {
  readonly method: string | undefined;
  readonly site: string | undefined;
  readonly origin: string | undefined;
  /** Whether the browser sent the session's cookie along. */
  readonly cookie: boolean;
  readonly subject: string | undefined;
  /** What a write came to. */
  readonly write: string;
}

describeWith(installed, "cross-origin requests of Chromium", () => {
  const servers: Server[] = [];
  const seen = new Map<string, Seen>();
  let browser: Browser;
  let context: BrowserContext;
  let sessions: Sessions;
  /** The site itself, a sibling on another port, one that it trusts, and another site altogether. */
  let own: string;
  let sibling: string;
  let trusted: string;
  let other: string;

  async function serve(listener: RequestListener, host: string): Promise<{ server: Server; origin: string }> {
    const server = createServer(listener).listen(0);
    servers.push(server);
    await once(server, "listening");
    return { server, origin: `http://${host}:${(server.address() as AddressInfo).port}` };
  }

  /** Handles a request under `/act/<what>`, and notes what came. */
  async function act(incoming: IncomingMessage): Promise<Headers> {
    const { headers, method = "GET", url = "" } = incoming;
    const get = (name: string): string | null => (headers[name] === undefined ? null : String(headers[name]));
    const session = await sessions.load({ url: `${own}${url}`, method, headers: { get } });
    seen.set(url.replace("/act/", ""), {
      method,
      site: headers["sec-fetch-site"] as string | undefined,
      origin: headers.origin,
      cookie: headers.cookie?.includes("__Host-Http-session=") ?? false,
      subject: session.subject,
      write: written(session),
    });
    return sessions.commit(session);
  }

  function written(session: Session): string {
    try {
      session.update("acts", (acts = 0) => (acts as number) + 1);
      return "stored";
    } catch (error) {
      return (error as { code: string }).code;
    }
  }

  const site: RequestListener = async (request, response) => {
    // As open to other origins as CORS can be: it is not what protects here
    response.setHeader("access-control-allow-origin", request.headers.origin ?? "*");
    response.setHeader("access-control-allow-credentials", "true");
    response.setHeader("access-control-allow-methods", "PUT");
    if (request.method === "OPTIONS") response.end();
    else if (request.url?.startsWith("/act/")) {
      for (const [name, value] of await act(request)) response.appendHeader(name, value);
      response.end("done");
    } else {
      const session = await sessions.load(new Request(own));
      if (request.url === "/sign-in") session.signIn("ada");
      for (const [name, value] of await sessions.commit(session)) response.appendHeader(name, value);
      page(request, response);
    }
  };

  /** A page with a form for each way to send it. */
  const page: RequestListener = (request, response) => {
    const noReferrer = request.url?.includes("no-referrer") ? "no-referrer" : "strict-origin-when-cross-origin";
    response.setHeader("referrer-policy", noReferrer);
    response.setHeader("content-type", "text/html").end("<!doctype html><title>page</title><body></body>");
  };

  beforeAll(async () => {
    trusted = (await serve(page, "localhost")).origin;
    other = (await serve(page, "127.0.0.1")).origin;
    sibling = (await serve(page, "localhost")).origin;
    // None: SameSite shall not be what protects
    sessions = createSessions({ cookie: { sameSite: "none" }, crossOrigin: { trusted: [trusted] } });
    const { server, origin } = await serve(site, "localhost");
    own = origin;
    server.on("upgrade", async (request, socket) => {
      await act(request);
      socket.end("HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n");
    });
    browser = await chromium.launch({
      ...(installed.path !== undefined && { executablePath: installed.path }),
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
    });
    context = await browser.newContext();
    const tab = await context.newPage();
    await tab.goto(`${own}/sign-in`);
    await tab.close();
  });

  beforeEach(() => seen.clear());

  afterAll(async () => {
    await browser?.close();
    for (const server of servers) server.close().closeAllConnections();
  });

  /** Opens a page of `from`, does there what a page can do to send `what` to our site, and gives what arrived. */
  async function send(from: string, what: string, way: string): Promise<Seen> {
    const tab = await context.newPage();
    await tab.goto(`${from}/${way.includes("no-referrer") ? "no-referrer" : ""}`);
    const target = `${own}/act/${what}`;
    // Not awaited: where it sends a form, the page is gone before it could answer
    const sending = tab.evaluate(
      async ([how, url]) => {
        const { document, fetch, WebSocket } = globalThis as unknown as Window & typeof globalThis;
        const submit = (into: Document): void => {
          const form = into.createElement("form");
          form.method = "post";
          form.action = url;
          into.body.append(form);
          form.submit();
        };
        if (how.includes("form")) submit(document);
        else if (how === "iframe") {
          const frame = document.createElement("iframe");
          document.body.append(frame);
          if (frame.contentDocument) submit(frame.contentDocument);
        } else if (how === "link") {
          const link = document.createElement("a");
          link.href = url;
          document.body.append(link);
          link.click();
        } else if (how === "framed page") {
          const frame = document.createElement("iframe");
          frame.src = url;
          document.body.append(frame);
        } else if (how === "WebSocket") new WebSocket(url.replace("http", "ws"));
        else {
          const [, method = "POST", mode = "no-cors"] = how.split(" ");
          const init = { method, mode: mode as RequestMode, credentials: "include" as const, body: "x" };
          await fetch(url, init).catch(() => {});
        }
      },
      [way, target] as const,
    );
    sending.catch(() => {});
    await vi.waitFor(() => expect(seen.has(what)).toBe(true), { timeout: 30_000, interval: 20 });
    return seen.get(what) as Seen;
  }

  const CHANGING = [
    "form",
    "no-referrer form",
    "iframe",
    "fetch POST no-cors",
    "fetch POST cors",
    "fetch PUT cors",
    "WebSocket",
  ];

  test.each(CHANGING)("its own page's %s reaches the session", async (way) => {
    expect(await send(own, "own", way)).toMatchObject({ cookie: true, subject: "ada", write: "stored" });
  });

  test.each(CHANGING)("a trusted origin's %s reaches the session, where it says its origin", async (way) => {
    const arrived = await send(trusted, "trusted", way);
    if (way === "no-referrer form") expect(arrived).toMatchObject({ origin: "null", write: "foreign_request" });
    else expect(arrived).toMatchObject({ origin: trusted, subject: "ada", write: "stored" });
  });

  test.each(CHANGING)("another site's %s gets an empty session, with the cookie or without", async (way) => {
    const arrived = await send(other, "other", way);
    // With `SameSite=None` and in a window of its own; inside of another site's page Chromium keeps cookies back
    expect(arrived).toMatchObject({ cookie: way.includes("form"), subject: undefined, write: "foreign_request" });
    if (way !== "WebSocket") expect(arrived.site).toBe("cross-site");
  });

  test.each(CHANGING)("a sibling's %s arrives with the cookie, and gets an empty session", async (way) => {
    const arrived = await send(sibling, "sibling", way);
    expect(arrived).toMatchObject({ cookie: true, subject: undefined, write: "foreign_request" });
    if (way !== "WebSocket") expect(arrived.site).toBe("same-site");
  });

  test("another site's link is a GET, and reaches the session", async () => {
    const arrived = await send(other, "link", "link");
    expect(arrived).toMatchObject({ method: "GET", site: "cross-site", subject: "ada", write: "stored" });
  });

  test("a page of ours that another site frames is a GET, and no foreign request", async () => {
    expect(await send(other, "frame", "framed page")).toMatchObject({
      method: "GET",
      site: "cross-site",
      write: "stored",
    });
  });
});
