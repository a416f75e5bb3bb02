import type { Session } from "@sojourn/session";
import { GraphQLError } from "graphql";
import { createSchema, createYoga } from "graphql-yoga";
import { type Data, read, view } from "site";
import { serve } from "srvx";
import { pages } from "./pages.ts";
import { sessions } from "./sessions.ts";

interface Context {
  session: Session<Data>;
}

const schema = createSchema<Context>({
  typeDefs: `
    type View { user: String! flash: String count: Int! }
    type Query { view: View! me: View! }
    type Mutation { login(user: String!): Boolean logout: Boolean count: Int fail: Boolean }
  `,
  resolvers: {
    Query: {
      view: (_root, _input, { session }) => view(session),
      me: (_root, _input, { session }) => read(session),
    },
    Mutation: {
      login: (_root, { user }: { user: string }, { session }) => {
        session.signIn(user);
        session.set("flash", `Welcome, ${user}`);
      },
      logout: (_root, _input, { session }) => session.destroy(),
      count: (_root, _input, { session }) => session.update("count", (count = 0) => count + 1),
      fail: (_root, _input, { session }) => {
        session.set("flash", "Not there");
        throw new GraphQLError("Not there", { extensions: { http: { status: 404 } } });
      },
    },
  },
});

const yoga = createYoga<Context>({ schema });
const graphql = sessions.wrap((request, session) => yoga.fetch(request, { session }));

const documents = {
  view: "{ view { user flash count } }",
  me: "{ me { user count } }",
  login: "mutation ($user: String!) { login(user: $user) }",
  logout: "mutation { logout }",
  count: "mutation { count }",
  fail: "mutation { fail }",
};

serve({
  fetch: pages(
    (question, headers, user) => {
      headers.set("content-type", "application/json");
      const body = JSON.stringify({ query: documents[question], variables: { user } });
      return graphql(new Request(`http://localhost:${process.env.PORT}/graphql`, { method: "POST", headers, body }));
    },
    (answer, question) => (answer as { data: Record<string, unknown> }).data[question],
  ),
});
