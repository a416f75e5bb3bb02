import assert from "node:assert/strict";
import express from "express";
import openIdConnect from "express-openid-connect";
import grant from "grant";
import Keycloak from "keycloak-connect";
import * as openIdClient from "openid-client";
import { browser, listening, provider } from "../kit.js";

export const stories = {
  "grant: state, PKCE and the tokens in the session": (session) =>
    listening(provider(), (issuer) => {
      const app = express();
      return listening(app, async (origin) => {
        const custom = {
          authorize_url: `${issuer}/authorize`,
          access_url: `${issuer}/token`,
          oauth: 2,
          key: "us",
          secret: "secret",
          callback: "/done",
          response: ["tokens"],
        };
        app.use(
          session(),
          grant.express({ defaults: { origin, transport: "session", state: true, pkce: true }, custom }),
        );
        app.get("/done", (req, res) => res.json(req.session.grant.response));
        const page = await browser(origin).follow("/connect/custom");
        assert.equal(page.json().access_token, "of ada");
      });
    }),

  "openid-client: state and verifier in the session": (session) =>
    listening(provider(), async (issuer) => {
      const config = await openIdClient.discovery(new URL(issuer), "us", "secret", undefined, {
        execute: [openIdClient.allowInsecureRequests],
      });
      const app = express();
      return listening(app, async (origin) => {
        app.use(session());
        app.get("/login", async (req, res) => {
          const verifier = openIdClient.randomPKCECodeVerifier();
          const state = openIdClient.randomState();
          req.session.oidc = { verifier, state };
          const code_challenge = await openIdClient.calculatePKCECodeChallenge(verifier);
          const parameters = {
            redirect_uri: `${origin}/callback`,
            state,
            code_challenge,
            code_challenge_method: "S256",
          };
          res.redirect(openIdClient.buildAuthorizationUrl(config, parameters).href);
        });
        app.get("/callback", async (req, res) => {
          const { verifier, state } = req.session.oidc;
          delete req.session.oidc;
          const checks = { pkceCodeVerifier: verifier, expectedState: state };
          const tokens = await openIdClient.authorizationCodeGrant(config, new URL(req.url, origin), checks);
          req.session.regenerate(() => {
            req.session.token = tokens.access_token;
            res.redirect("/");
          });
        });
        app.get("/", (req, res) => res.json(req.session));
        const { cookie: _, ...data } = (await browser(origin).follow("/login")).json();
        assert.deepEqual(data, { token: "of ada" });
      });
    }),

  "express-openid-connect: its cookies beside the session's": (session) =>
    listening(provider(), (issuer) => {
      const app = express();
      return listening(app, async (origin) => {
        const { auth } = openIdConnect;
        app.use(session());
        app.use(
          auth({
            issuerBaseURL: issuer,
            baseURL: origin,
            clientID: "us",
            clientSecret: "secret",
            secret: "a".repeat(32),
            authRequired: false,
            authorizationParams: { response_type: "code", response_mode: "query" },
          }),
        );
        app.get("/", (req, res) => {
          req.session.views = (req.session.views ?? 0) + 1;
          res.json({ views: req.session.views, signedIn: req.oidc.isAuthenticated() });
        });
        const visitor = browser(origin);
        await visitor.get("/");
        assert.match((await visitor.get("/login")).location, /\/authorize\?/);
        assert.deepEqual((await visitor.get("/")).json(), { views: 2, signedIn: false });
      });
    }),

  "keycloak-connect: remembers where the visitor wanted to go": (session) => {
    const app = express();
    const options = {
      realm: "r",
      "auth-server-url": "https://sso.example",
      resource: "us",
      "ssl-required": "external",
    };
    const keycloak = new Keycloak({ store: true }, { ...options, "public-client": true, "confidential-port": 0 });
    app.use(session(), keycloak.middleware());
    app.get("/private", keycloak.protect(), (_req, res) => res.end());
    app.get("/", (req, res) => res.json({ wanted: req.session.auth_redirect_uri }));
    return listening(app, async (origin) => {
      const visitor = browser(origin);
      assert.match((await visitor.get("/private")).location, /^https:\/\/sso\.example\/realms\/r\//);
      assert.match((await visitor.get("/")).json().wanted, /\/private\?auth_callback=1$/);
    });
  },
};
