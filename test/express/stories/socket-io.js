import assert from "node:assert/strict";
import { createServer } from "node:http";
import express from "express";
import { Server } from "socket.io";
import { io as connect } from "socket.io-client";
import { browser, listening } from "../kit.js";

/** What socket.io's own page on express-session does: reload, change, save; and disconnect when the session has ended. */
async function chat(session, transport) {
  const app = express();
  const server = createServer(app);
  const io = new Server(server);
  const middleware = session();
  app.use(middleware);
  app.post("/login", (req, res) => {
    req.session.user = "ada";
    res.end();
  });
  app.post("/logout", (req, res) => req.session.destroy(() => res.end()));
  app.get("/", (req, res) => res.json({ user: req.session.user, sent: req.session.sent }));
  io.engine.use(middleware);
  io.on("connection", (socket) => {
    const { request } = socket;
    socket.emit("hello", request.session.user);
    socket.on("send", (text, answer) => {
      request.session.reload((error) => {
        if (error) return socket.disconnect();
        request.session.sent ??= [];
        request.session.sent.push(text);
        request.session.save((failure) => answer(failure?.message ?? request.session.user));
      });
    });
  });
  await listening(server, async (origin) => {
    const ada = browser(origin);
    await ada.post("/login");
    const cookie = [...ada.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const socket = connect(origin, { transports: [transport], extraHeaders: { cookie }, forceNew: true });
    try {
      assert.equal(await new Promise((resolve) => socket.once("hello", resolve)), "ada");
      assert.equal(await socket.timeout(5000).emitWithAck("send", "one"), "ada");
      assert.equal(await socket.timeout(5000).emitWithAck("send", "two"), "ada");
      assert.deepEqual((await ada.get("/")).json(), { user: "ada", sent: ["one", "two"] });
      const closed = new Promise((resolve) => socket.once("disconnect", resolve));
      await ada.post("/logout");
      socket.emit("send", "three", () => {});
      assert.equal(await closed, "io server disconnect");
    } finally {
      socket.close();
      io.close();
    }
  });
}

export const stories = {
  "socket.io over polling: read, save, and notice the end": (session) => chat(session, "polling"),
  "socket.io over websocket: read, save, and notice the end": (session) => chat(session, "websocket"),
};
