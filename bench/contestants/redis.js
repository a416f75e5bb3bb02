import process from "node:process";
import { RedisStore } from "connect-redis";
import { createClient } from "redis";
import { expressSession } from "./express-session.js";
import { redisFloor } from "./floor.js";
import { library, sojournConnect, sojournLazy } from "./sojourn.js";

const connected = () =>
  createClient({ url: process.env.BENCH_REDIS })
    .on("error", () => {}) // the server is stopped at the end
    .connect();

export const floorOnRedis = async () => redisFloor(await connected());

export const expressOnRedis = async () => expressSession({ store: new RedisStore({ client: await connected() }) });

export async function sojournOnRedis(connect = false) {
  const { redisStore } = await library("./redis");
  const store = redisStore(await connected());
  return connect ? sojournConnect(store) : sojournLazy(store);
}
