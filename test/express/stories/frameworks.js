import "reflect-metadata";
import assert from "node:assert/strict";
import { Controller, Get, Module, Req } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";

import express from "express";
import { createSchema, createYoga } from "graphql-yoga";
import { browser, listening } from "../kit.js";

export const stories = {
  "@nestjs/platform-express: the session in a controller": async (session) => {
    // What its decorators do, without a compiler for them
    class Pages {
      visit(request) {
        request.session.views = (request.session.views ?? 0) + 1;
        return { views: request.session.views };
      }
    }
    Req()(Pages.prototype, "visit", 0);
    Get("/")(Pages.prototype, "visit", Object.getOwnPropertyDescriptor(Pages.prototype, "visit"));
    Controller()(Pages);
    class App {}
    Module({ controllers: [Pages] })(App);
    const app = await NestFactory.create(App, { logger: false });
    app.use(session());
    await app.init();
    await listening(app.getHttpServer(), async (origin) => {
      const visitor = browser(origin);
      await visitor.get("/");
      assert.deepEqual((await visitor.get("/")).json(), { views: 2 });
    });
  },

  "graphql-yoga: the session in a resolver": (session) => {
    const app = express();
    app.use(session());
    const schema = createSchema({
      typeDefs: "type Query { user: String } type Mutation { login(name: String!): String }",
      resolvers: {
        Query: { user: (_parent, _arguments, { req }) => req.session.user },
        Mutation: {
          login: (_parent, { name }, { req }) => {
            req.session.user = name;
            return name;
          },
        },
      },
    });
    app.use("/graphql", createYoga({ schema, logging: false, graphiql: false }));
    return listening(app, async (origin) => {
      const ada = browser(origin);
      const ask = async (query) => {
        const headers = { "content-type": "application/json" };
        return (await ada.post("/graphql", JSON.stringify({ query }), { headers })).json().data;
      };
      await ask('mutation { login(name: "ada") }');
      assert.deepEqual(await ask("{ user }"), { user: "ada" });
    });
  },
};
