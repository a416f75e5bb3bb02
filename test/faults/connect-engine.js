/**
 * A store on one of the engines, through whatever stands on that port. `place` is the database, where there are several.
 * @param {"redis" | "postgres"} engine
 * @param {number} port
 * @param {string} place
 */
export async function connectStore(engine, port, place) {
  if (engine === "redis") {
    const [{ redisStore }, { createClient }] = await Promise.all([import("@sojourn/session/redis"), import("redis")]);
    // node-redis sends no command twice; what was on its way when the connection broke is an error.
    const client = createClient({
      url: `redis://127.0.0.1:${port}`,
      socket: { reconnectStrategy: 30, connectTimeout: 500 },
    });
    client.on("error", () => {});
    await client.connect();
    return { store: redisStore(client), close: async () => client.destroy() };
  }
  const [{ postgresStore }, { default: pg }] = await Promise.all([import("@sojourn/session/postgres"), import("pg")]);
  const pool = new pg.Pool({
    host: "127.0.0.1",
    port,
    user: "postgres",
    database: place,
    max: 5,
    connectionTimeoutMillis: 500,
  });
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  const store = postgresStore(pool);
  return { store, createTable: () => store.createTable(), close: () => pool.end() };
}
