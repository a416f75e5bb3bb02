import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { Strategy as SamlStrategy } from "@node-saml/passport-saml";
import { ensureLoggedIn } from "connect-ensure-login";
import express from "express";
import passport from "passport";
import { Strategy as LocalStrategy } from "passport-local";
import OAuth2Strategy from "passport-oauth2";
import { SignedXml } from "xml-crypto";
import { browser, listening, provider } from "../kit.js";

const { Passport } = passport;

function passportOf(strategy) {
  const auth = new Passport();
  auth.use(strategy);
  auth.serializeUser((user, done) => done(null, user.id));
  auth.deserializeUser((id, done) => done(null, { id }));
  return auth;
}

const local = () =>
  new LocalStrategy((username, password, done) =>
    password === "right" ? done(null, { id: username }) : done(null, false, { message: "wrong password" }),
  );

function localApp(session) {
  const auth = passportOf(local());
  const app = express();
  app.use(session, express.urlencoded({ extended: false }), auth.session());
  app.post(
    "/login",
    auth.authenticate("local", {
      failureRedirect: "/",
      failureMessage: true,
      successReturnToOrRedirect: "/",
      keepSessionInfo: true,
    }),
  );
  app.post("/logout", (req, res, next) => req.logout((error) => (error ? next(error) : res.redirect("/"))));
  app.get("/cart", (req, res) => {
    req.session.cart ??= [];
    req.session.cart.push("book");
    res.end();
  });
  app.get("/private", ensureLoggedIn("/"), (req, res) => res.json({ private: req.user.id }));
  app.get("/", (req, res) =>
    res.json({ user: req.user?.id, cart: req.session.cart, messages: req.session.messages, id: req.sessionID }),
  );
  return app;
}

export const stories = {
  "passport and passport-local: a wrong password, a sign-in that keeps the cart under a new id, a sign-out": (
    session,
  ) =>
    listening(localApp(session()), async (origin) => {
      const ada = browser(origin);
      await ada.get("/cart");
      const before = await ada.get("/");
      await ada.post("/login", { username: "ada", password: "wrong" });
      assert.deepEqual((await ada.get("/")).json().messages, ["wrong password"]);
      const stolen = new Map(ada.cookies);
      const answer = await ada.post("/login", { username: "ada", password: "right" });
      assert.equal(answer.status, 302);
      const after = (await ada.get("/")).json();
      assert.deepEqual([after.user, after.cart], ["ada", ["book"]]);
      assert.notEqual(after.id, before.json().id);
      assert.equal((await browser(origin, stolen).get("/")).json().user, undefined);
      const signedIn = new Map(ada.cookies);
      await ada.post("/logout");
      assert.equal((await ada.get("/")).json().user, undefined);
      assert.equal((await browser(origin, signedIn).get("/")).json().user, undefined);
    }),

  "connect-ensure-login: after signing in the visitor is where they wanted to go": (session) =>
    listening(localApp(session()), async (origin) => {
      const ada = browser(origin);
      assert.equal((await ada.get("/private")).location, "/");
      assert.equal((await ada.post("/login", { username: "ada", password: "right" })).location, "/private");
      assert.deepEqual((await ada.get("/private")).json(), { private: "ada" });
    }),

  "passport-oauth2 with state and PKCE": (session) =>
    listening(provider(), (issuer) => {
      const app = express();
      return listening(app, async (origin) => {
        const options = {
          authorizationURL: `${issuer}/authorize`,
          tokenURL: `${issuer}/token`,
          clientID: "us",
          clientSecret: "secret",
          callbackURL: `${origin}/callback`,
          state: true,
          pkce: true,
        };
        const auth = passportOf(
          new OAuth2Strategy(options, (token, _refresh, _profile, done) => done(null, { id: token })),
        );
        app.use(session(), auth.session());
        app.get("/login", auth.authenticate("oauth2"));
        app.get("/callback", auth.authenticate("oauth2", { successRedirect: "/", failureRedirect: "/failed" }));
        app.get("/", (req, res) => res.json({ user: req.user?.id, keys: Object.keys(req.session) }));
        const ada = browser(origin);
        const page = await ada.follow("/login");
        assert.deepEqual(page.json(), { user: "of ada", keys: ["cookie", "passport"] });
        assert.equal((await ada.get("/callback?code=code-0&state=other")).location, "/failed");
      });
    }),

  "@node-saml/passport-saml: a signed assertion signs in": (session) => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const app = express();
    return listening(app, async (origin) => {
      const options = {
        entryPoint: "https://idp.example/saml",
        issuer: "us",
        audience: false,
        callbackUrl: `${origin}/saml`,
        idpCert: publicKey.export({ type: "spki", format: "pem" }),
        wantAuthnResponseSigned: false,
      };
      const verify = (profile, done) => done(null, { id: profile.nameID });
      const auth = passportOf(new SamlStrategy(options, verify, verify));
      app.use(session(), express.urlencoded({ extended: false }), auth.session());
      app.get("/login", auth.authenticate("saml"));
      app.post("/saml", auth.authenticate("saml", { successRedirect: "/", failureRedirect: "/failed" }));
      app.get("/", (req, res) => res.json({ user: req.user?.id }));
      const ada = browser(origin);
      assert.match((await ada.get("/login")).location, /^https:\/\/idp\.example\/saml\?SAMLRequest=/);
      const SAMLResponse = Buffer.from(samlResponse("ada", `${origin}/saml`, privateKey)).toString("base64");
      assert.equal((await ada.post("/saml", { SAMLResponse })).location, "/");
      assert.deepEqual((await ada.get("/")).json(), { user: "ada" });
    });
  },
};

/** What an identity provider answers, with a signed assertion (SAML 2.0). */
function samlResponse(nameId, recipient, privateKey) {
  const now = new Date().toISOString();
  const soon = new Date(Date.now() + 60_000).toISOString();
  const xml = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r" Version="2.0" IssueInstant="${now}" Destination="${recipient}"><saml:Issuer>idp</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><saml:Assertion ID="_a" Version="2.0" IssueInstant="${now}"><saml:Issuer>idp</saml:Issuer><saml:Subject><saml:NameID>${nameId}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="${soon}" Recipient="${recipient}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotOnOrAfter="${soon}"/><saml:AuthnStatement AuthnInstant="${now}"/></saml:Assertion></samlp:Response>`;
  const signed = new SignedXml({
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }),
    signatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    canonicalizationAlgorithm: "http://www.w3.org/2001/10/xml-exc-c14n#",
  });
  const assertion = "//*[local-name(.)='Assertion']";
  signed.addReference({
    xpath: assertion,
    digestAlgorithm: "http://www.w3.org/2001/04/xmlenc#sha256",
    transforms: ["http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/2001/10/xml-exc-c14n#"],
  });
  signed.computeSignature(xml, { location: { reference: `${assertion}/*[local-name(.)='Issuer']`, action: "after" } });
  return signed.getSignedXml();
}
