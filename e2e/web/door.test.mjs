// The headers of the demo's files on both hosts, and the sign-in of development: who gets a
// token, and that it does not exist outside development.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { request } from "node:http";
import { doors } from "../doors.mjs";
import { skip } from "./browser.mjs";

for (const [host, open] of Object.entries(doors)) {
  describe(`the demo's files on ${host}`, { skip, timeout: 1_200_000 }, () => {
    const door = open();
    const get = (path, init) => fetch(door.url + path, init);
    before(() => door.start());
    after(() => door.close());

    test("the page comes with a policy that allows no inline script, and the usual headers", async () => {
      const response = await get("/");
      assert.equal(response.status, 200);
      assert.match(response.headers.get("content-type"), /^text\/html/);
      const policy = Object.fromEntries(
        response.headers.get("content-security-policy").split("; ").map((directive) => directive.split(/ (.*)/).slice(0, 2)),
      );
      assert.deepEqual([policy["default-src"], policy["script-src"], policy["style-src"]], ["'none'", "'self'", "'self'"]);
      assert.deepEqual([policy["frame-ancestors"], policy["base-uri"]], ["'none'", "'none'"]);
      for (const [name, value] of Object.entries({
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "strict-transport-security": "max-age=31536000",
      })) {
        assert.equal(response.headers.get(name), value, name);
      }
      const html = await response.text();
      assert.doesNotMatch(html, /<script(?![^>]* src=)|<style|\son\w+=|\sstyle=/i, "no inline script or style");
    });

    test("hashed files may be kept for ever, the page and the service worker not", async () => {
      const [script] = (await (await get("/")).text()).match(/\/assets\/[^"]+\.js/);
      assert.match((await get(script)).headers.get("content-type"), /javascript/);
      assert.match((await get(script)).headers.get("cache-control"), /immutable/);
      for (const path of ["/", "/sw.js"]) assert.doesNotMatch((await get(path)).headers.get("cache-control") ?? "", /immutable/);
    });

    test("the sign-in of development does not exist", async () => {
      for (const init of [{}, { method: "POST", body: '{"name":"Anna"}' }, { headers: { "sec-fetch-mode": "navigate" } }]) {
        const response = await get("/dev/login", init);
        assert.equal(response.status, 404);
        assert.doesNotMatch(await response.text(), /token/);
      }
    });

    test("every other path is the Worker's", async () => {
      for (const path of ["/_headers", "/nowhere", "/customers/1", "/assets/", "/trpc/sync.pull"]) {
        for (const mode of ["cors", "navigate"]) {
          assert.equal((await get(path, { headers: { "sec-fetch-mode": mode } })).status, 401, `${path} by ${mode}`);
        }
      }
    });
  });
}

// ask returns the status, the headers and the body. fetch would set Host itself.
const ask = (url, { method, headers, body }) =>
  new Promise((resolve, reject) => {
    const asked = request(url, { method, headers }, async (response) => {
      let text = "";
      for await (const piece of response.setEncoding("utf8")) text += piece;
      resolve({ status: response.statusCode, headers: response.headers, text });
    });
    asked.once("error", reject).end(body);
  });

for (const [host, open] of Object.entries(doors)) {
  describe(`the sign-in of development on ${host}`, { timeout: 1_200_000 }, () => {
    const door = Object.assign(open(), { dev: true });
    const body = '{"name":"Anna"}';
    const sent = (headers) => ({ method: "POST", headers: { "content-type": "application/json", ...headers }, body });
    const login = (headers) => ask(`${door.url}/dev/login`, sent(headers));
    before(() => door.start());
    after(() => door.close());

    test("gives the server's own page a valid token", async () => {
      const { status, text } = await login({ origin: door.url });
      assert.equal(status, 200, text);
      const pull = await fetch(`${door.url}/sync/pull`, { headers: { authorization: `Bearer ${JSON.parse(text).token}` } });
      assert.equal(pull.status, 200);
    });

    test("gives no other page a token, and lets none read the answer", async () => {
      for (const [what, headers, want] of [
        ["a page of a stranger", { origin: "https://evil.example" }, 403],
        ["a sandboxed page", { origin: "null" }, 403],
        ["a stranger's name for this machine", { host: `evil.example:${door.port}`, origin: `http://evil.example:${door.port}` }, 403],
        ["a form", { "content-type": "text/plain", origin: door.url }, 415],
      ]) {
        const { status, headers: got, text } = await login(headers);
        assert.equal(status, want, `${what}: ${text}`);
        assert.doesNotMatch(text, /"token":/, what);
        assert.equal(got["access-control-allow-origin"], undefined, what);
      }
      const preflight = await ask(`${door.url}/dev/login`, {
        method: "OPTIONS",
        headers: { origin: "https://evil.example", "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
      });
      assert.equal(preflight.headers["access-control-allow-origin"], undefined);
    });
  });
}
