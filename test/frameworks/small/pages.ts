import { html, redirect, type View } from "site";

type Question = "view" | "me" | "login" | "logout" | "count" | "fail";

/** Pages and forms for an API that has none: each asks the API over its own protocol, and passes its headers on. */
export function pages(
  ask: (question: Question, headers: Headers, user: string) => Response | Promise<Response>,
  resultOf: (answer: unknown, question: Question) => unknown,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname } = new URL(request.url);
    const headers = new Headers(request.headers);
    const question = (pathname === "/" ? "view" : pathname.slice(1)) as Question;
    const user = request.method === "POST" ? String((await request.formData()).get("user")) : "";
    for (const name of ["content-length", "content-type", "accept"]) headers.delete(name);
    const answer = await ask(question, headers, user);
    if (!answer.ok) return answer;

    const content: unknown = await answer.json();
    // GraphQL says it in a 200
    if (content instanceof Object && "errors" in content) return Response.json(content, { status: 400 });
    const result = resultOf(content, question);
    const page =
      request.method === "POST"
        ? redirect("/")
        : question === "me"
          ? Response.json(result)
          : new Response(html(result as View), { headers: { "content-type": "text/html" } });
    for (const [name, value] of answer.headers) if (!/^content-/i.test(name)) page.headers.append(name, value);
    return page;
  };
}
