/** While a head is held it counts as sent: nothing may change it until it has left. */
import { HELD, type HeldResponse, headersSentError, isSent, statusOf, type Under } from "./held-response.ts";
import { addTo } from "./response-headers.ts";

type Method = (this: HeldResponse, ...args: unknown[]) => unknown;
type HeaderMethod = "setHeader" | "setHeaders" | "appendHeader" | "removeHeader";

const UNDER: unique symbol = Symbol("the methods under ours");

type Covered = HeldResponse & Record<HeaderMethod, Method> & { [UNDER]?: Record<HeaderMethod, Method> };

/** Refuses while the head is held. Where somebody changes headers after our merge, it is merged again. */
function headerMethod(name: HeaderMethod, what: string): Method {
  return function (...args) {
    const held = this[HELD];
    if (held.calls) throw headersSentError(this, what);
    const result = (this as Covered)[UNDER]?.[name].apply(this, args);
    if (held.sending) {
      held.sending = false;
      addTo(this, held.additions);
      held.sending = true;
    }
    return result;
  };
}

const setHeader = headerMethod("setHeader", "set");
const setHeaders = headerMethod("setHeaders", "set");
const appendHeader = headerMethod("appendHeader", "append");
const removeHeader = headerMethod("removeHeader", "remove");

/** Puts our methods over those that change headers. */
export function ownHeaders(response: HeldResponse): void {
  const covered = response as Covered;
  if (covered[UNDER]) return;
  covered[UNDER] = {
    setHeader: covered.setHeader,
    setHeaders: covered.setHeaders,
    appendHeader: covered.appendHeader,
    removeHeader: covered.removeHeader,
  };
  Object.assign(covered, { setHeader, setHeaders, appendHeader, removeHeader });
}

/** Node 20 writes them into the body of a response that has begun. */
function writeEarlyHints(this: HeldResponse, ...args: Parameters<Under["writeEarlyHints"]>): void {
  const { calls, under } = this[HELD];
  if (calls) throw headersSentError(this, "write");
  under?.writeEarlyHints.apply(this, args);
}

function addTrailers(this: HeldResponse, ...args: Parameters<Under["addTrailers"]>): void {
  const { calls, under, ended } = this[HELD];
  if (!calls || !ended) under?.addTrailers.apply(this, args);
}

function cork(this: HeldResponse): void {
  const { calls, under } = this[HELD];
  if (calls) calls.push(() => under?.cork.call(this));
  else under?.cork.call(this);
}

function uncork(this: HeldResponse): void {
  const { calls, under } = this[HELD];
  if (calls) calls.push(() => under?.uncork.call(this));
  else under?.uncork.call(this);
}

const HEADERS_SENT: PropertyDescriptor & ThisType<HeldResponse> = {
  get() {
    return this[HELD].calls !== undefined || isSent(this);
  },
  configurable: true,
};

const WRITABLE_ENDED: PropertyDescriptor & ThisType<HeldResponse> = {
  get() {
    const held = this[HELD];
    return held.calls ? held.ended : Reflect.get(Object.getPrototypeOf(this), "writableEnded", this);
  },
  configurable: true,
};

/** From here on the head counts as sent. */
export function sealHead(response: HeldResponse): void {
  const held = response[HELD];
  held.calls = [];
  held.began = statusOf(response);
  setHeaderText(response, "held");
  // HTTP/2, and who does not look at the text of the head to see whether it has left
  if (!isSent(response)) {
    ownHeaders(response);
    Object.defineProperty(response, "headersSent", HEADERS_SENT);
  }
  held.under = {
    writeEarlyHints: response.writeEarlyHints,
    addTrailers: response.addTrailers,
    cork: response.cork,
    uncork: response.uncork,
  };
  response.writeEarlyHints = writeEarlyHints;
  response.addTrailers = addTrailers;
  response.cork = cork;
  response.uncork = uncork;
  Object.defineProperty(response, "writableEnded", WRITABLE_ENDED);
}

/** From here on calls pass. */
export function unsealHead(response: HeldResponse): void {
  const held = response[HELD];
  held.calls = undefined;
  held.open = true;
  setHeaderText(response, null);
}

/**
 * Node keeps the text of a head that has left under `_header`, and refuses to change the head while it is there;
 * compression packages look at it too.
 */
function setHeaderText(response: HeldResponse, text: string | null): void {
  if (Object.hasOwn(response, "_header")) (response as unknown as { _header: string | null })._header = text;
}
