/** Sessions where the head of the answer never passes a handler: real packages that upgrade to WebSocket. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { createSessions, memoryStore, type Session, type SessionStore, type Sessions } from "@sojourn/session";
import { requestOf, type SessionMiddleware, sessionMiddleware, type WithSession } from "@sojourn/session/node";
import { expect, onTestFinished, test } from "vitest";
import { describeWith, service } from "../services.ts";

/* The packages lie in a folder of their own, and without types for this project: each is used for a line or two. */
// biome-ignore lint/suspicious/noExplicitAny: see above
const load = (name: string): any => createRequire(new URL("./package.json", import.meta.url))(name);

type Data = { n: number };
type WithData = IncomingMessage & WithSession<Data>;

/** What a handler of a socket sees of the session, and what becomes of a write. */
function look({ session }: WithData): unknown[] {
  try {
    session.set("n", 1);
    return [session.subject, "passed"];
  } catch (error) {
    return [session.subject, (error as { code: string }).code];
  }
}

const LOOKED = ["ada", "session_committed"];

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close().closeAllConnections());
  return (server.address() as AddressInfo).port;
}

async function signedIn(sessions: Sessions<Data>): Promise<string> {
  const session = await sessions.load(new Request("https://example.com/"));
  session.signIn("ada");
  return (await sessions.commit(session)).getSetCookie()[0]?.split(";", 1)[0] ?? "";
}

function later(): SessionStore {
  const store = memoryStore();
  return {
    read: async (key) => store.read(key),
    create: async (...args) => store.create(...args),
    update: async (...args) => store.update(...args),
    delete: async (...args) => store.delete(...args),
  };
}

/** The first message that a server sends to a socket with these cookies. */
async function greeting(url: string, cookie: string): Promise<unknown> {
  const { WebSocket } = load("ws");
  const socket = new WebSocket(url, { headers: { cookie } });
  onTestFinished(() => socket.terminate());
  const [message] = await once(socket, "message");
  return JSON.parse(String(message));
}

describeWith(await service("border-peers"), "behind a WebSocket", () => {
  test("ws: load(requestOf(request)) in the listener of upgrade", async () => {
    const sessions = createSessions<Data>({ store: later() });
    const server = createServer();
    const { WebSocketServer } = load("ws");
    const sockets = new WebSocketServer({ noServer: true });
    server.on("upgrade", async (request, socket, head) => {
      const { subject } = await sessions.load(requestOf(request));
      sockets.handleUpgrade(request, socket, head, (ws: { send(text: string): void }) =>
        ws.send(JSON.stringify(subject)),
      );
    });
    const port = await listening(server);
    expect(await greeting(`ws://127.0.0.1:${port}`, await signedIn(sessions))).toBe("ada");
  });

  test("express-ws", async () => {
    const sessions = createSessions<Data>({ store: later() });
    const { app, getWss } = load("express-ws")(load("express")());
    app.use(sessionMiddleware(sessions));
    app.ws("/", (ws: { send(text: string): void }, request: WithData) => ws.send(JSON.stringify(look(request))));
    const server = app.listen(0, "127.0.0.1") as Server;
    await once(server, "listening");
    onTestFinished(() => {
      getWss().close();
      server.close().closeAllConnections();
    });
    const { port } = server.address() as AddressInfo;
    expect(await greeting(`ws://127.0.0.1:${port}/`, await signedIn(sessions))).toEqual(LOOKED);
  });

  test("@fastify/websocket", async () => {
    const sessions = createSessions<Data>({ store: later() });
    const middleware = sessionMiddleware(sessions);
    const app = load("fastify")();
    onTestFinished(() => app.close());
    app.addHook("onRequest", (request: { raw: WithData }, reply: { raw: never }, done: (error?: unknown) => void) =>
      middleware(request.raw, reply.raw, done),
    );
    await app.register(load("@fastify/websocket"));
    app.get("/", { websocket: true }, (ws: { send(text: string): void }, request: { raw: WithData }) =>
      ws.send(JSON.stringify(look(request.raw))),
    );
    const address = (await app.listen({ port: 0, host: "127.0.0.1" })) as string;
    expect(await greeting(address.replace("http", "ws"), await signedIn(sessions))).toEqual(LOOKED);
  });

  test.each(["polling", "websocket"])(
    "socket.io over %s, as middleware of the engine and of a namespace",
    async (transport) => {
      const sessions = createSessions<Data>({ store: later() });
      const middleware: SessionMiddleware = sessionMiddleware(sessions);
      const server = createServer();
      const io = new (load("socket.io").Server)(server);
      io.engine.use(middleware);
      io.use((socket: { request: WithData }, next: (error?: unknown) => void) =>
        middleware(socket.request, {} as never, next),
      );
      io.on("connection", (socket: { request: WithData; emit(event: string, data: unknown): void }) => {
        const seen: Session<Data> = socket.request.session;
        socket.emit("seen", [seen.isNew, ...look(socket.request)]);
      });
      const port = await listening(server);
      const client = load("socket.io-client").io(`http://127.0.0.1:${port}`, {
        transports: [transport],
        extraHeaders: { cookie: await signedIn(sessions) },
      });
      onTestFinished(() => {
        client.close();
        io.close();
      });
      const seen = await new Promise((resolve, reject) => client.on("seen", resolve).on("connect_error", reject));
      expect(seen).toEqual([false, ...LOOKED]);
    },
  );
});
