// One of the processes that answer the load: node server.js <entry of ours, or "express-session"> <namespace>
import { setTimeout as pause } from "node:timers/promises";
import flash from "connect-flash";
import { RedisStore } from "connect-redis";
import express from "express";
import expressSession from "express-session";
import passport from "passport";
import { Strategy as LocalStrategy } from "passport-local";
import { createClient } from "redis";

const [dist, namespace] = process.argv.slice(2);
const client = await createClient().connect();

async function sessionMiddleware() {
  const prefix = `${namespace}:`;
  if (dist === "express-session") {
    const store = new RedisStore({ client, prefix });
    return expressSession({ secret: "s", resave: false, saveUninitialized: false, store });
  }
  const { session } = await import(`${dist}/express-session.js`);
  const { redisStore } = await import(`${dist}/redis.js`);
  const subject = (data) => data.passport?.user;
  return session({ cookie: { secure: "auto" }, store: redisStore(client, { prefix }), subject });
}

passport.use(new LocalStrategy((name, _password, done) => done(null, { id: name })));
passport.serializeUser((user, done) => done(null, user.id));
passport.deserializeUser((id, done) => done(null, { id }));

const app = express();
app.use(await sessionMiddleware(), passport.session(), flash());
app.post("/login", (req, res, next) => {
  req.body = { ...req.query, password: "any" };
  passport.authenticate("local", { keepSessionInfo: true })(req, res, next);
});
app.post("/login", (_req, res) => res.end());
app.post("/logout", (req, res, next) => req.logout((error) => (error ? next(error) : res.end())));
// Reads, takes its time, and writes: what overlaps
app.post("/flash", async (req, res) => {
  void req.session.passport;
  await pause(Number(req.query.wait));
  req.flash("info", req.query.text);
  res.end();
});
app.get("/flash", (req, res) => res.json(req.flash("info")));
app.get("/", (req, res) => res.json({ user: req.user?.id ?? null }));

const server = app.listen(0, "127.0.0.1", () => process.send?.({ port: server.address().port }));
process.on("message", async () => {
  for await (const keys of client.scanIterator({ MATCH: `${namespace}:*`, COUNT: 1000 })) {
    if (keys.length > 0) await client.unlink(keys);
  }
  process.exit();
});
process.on("disconnect", () => process.exit());
