/** `node libsql-process.js FILE PORT`: a store on a file of SQLite, for whoever asks over HTTP. */
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { createClient } from "@libsql/client";
import { sqliteStore } from "@sojourn/session/sqlite";
import { answer } from "./answer.js";

const [file, port] = process.argv.slice(2);
const store = sqliteStore(createClient({ url: `file:${file}` }));
await store.createTable();
createServer(async (request, response) => response.end(await answer(store, await text(request)))).listen(
  Number(port),
  "127.0.0.1",
  () => console.log(`http://127.0.0.1:${port}`),
);
