/** How a request of each kind is made, handed to a handler and looked at, without a network. */
export async function client(kind) {
  return kind === "fetch" ? fetchClient : nodeClient((await import("light-my-request")).default);
}

const fetchClient = {
  request: (cookie) => new Request("http://localhost/", cookie === "" ? {} : { headers: { cookie } }),
  call: (handler, request) => handler(request),
  cookiesOf: (response) => response.headers.getSetCookie(),
  bodyOf: (response) => response.text(),
};

const nodeClient = (inject) => ({
  request: (cookie) => ({ method: "GET", url: "/", headers: cookie === "" ? {} : { cookie } }),
  call: (handler, request) => inject(handler, request),
  cookiesOf: (response) => [response.headers["set-cookie"] ?? []].flat(),
  bodyOf: (response) => response.body,
});
