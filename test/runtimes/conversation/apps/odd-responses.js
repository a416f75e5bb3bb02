const HOME = new Response(null, { status: 303, headers: { location: "/" } });

/** Responses that a careless wrapper breaks, by path; `?change` changes the session with them. */

/** @type {Record<string, (upgrade: (request: Request) => Response | undefined, request: Request) => Response | undefined>} */
const responses = {
  "/odd/redirect": () => Response.redirect("https://example.com/next", 303), // immutable on most runtimes
  "/odd/constant": () => HOME,
  "/odd/not-modified": () => new Response(null, { status: 304, headers: { etag: '"1"' } }),
  "/odd/error": () => Response.error(),
  "/odd/broken": () => new Response(brokenBody()),
  "/odd/upgrade": (upgrade, request) => upgrade(request),
};

/**
 * @param {import("@sojourn/session").Sessions<import("../../../../examples/site/view.js").SiteData>} sessions
 * @param {(request: Request) => Response | undefined} upgrade
 * @returns {(request: Request) => Promise<Response> | undefined}
 */
export function createOdd(sessions, upgrade) {
  const answer = sessions.wrap((request, session, /** @type {() => Response} */ respond) => {
    if (new URL(request.url).searchParams.has("change"))
      session.update("cart", (cart = {}) => ({ ...cart, map: (cart.map ?? 0) + 1 }));
    return respond();
  });
  return (request) => {
    const respond = responses[new URL(request.url).pathname];
    return respond && answer(request, () => /** @type {Response} */ (respond(upgrade, request)));
  };
}

function brokenBody() {
  const encoder = new TextEncoder();
  let pulled = 0;
  return new ReadableStream({
    async pull(controller) {
      if (pulled++ === 0) return controller.enqueue(encoder.encode("half of it"));
      await new Promise((resolve) => setTimeout(resolve));
      throw new Error("The other half is gone");
    },
  });
}
