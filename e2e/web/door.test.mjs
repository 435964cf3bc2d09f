// What both hosts send with the demo's files, and what is not there outside
// development.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
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

    test("the sign-in of development is not there", async () => {
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
