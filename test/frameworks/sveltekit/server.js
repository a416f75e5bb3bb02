/** The server of `vite build`. It takes requests for https unless a header tells otherwise; a proxy would send it. */
import { createServer } from "node:http";

process.env.PROTOCOL_HEADER = "x-forwarded-proto";
const { handler } = await import("./build/handler.js");

createServer((request, response) => {
  request.headers["x-forwarded-proto"] = "http";
  handler(request, response);
}).listen(Number(process.env.PORT));
