import * as curves from "./curves.js";
import * as engines from "./part-engines.js";
import * as http from "./part-http.js";
import * as memory from "./part-memory.js";
import * as request from "./part-request.js";
import * as size from "./size.js";
import * as start from "./start.js";

/** What is measured, in the order of docs/speed.md; each part measures, and prints what it measured. */
export const parts = { request, http, engines, memory, curves, size, start };
