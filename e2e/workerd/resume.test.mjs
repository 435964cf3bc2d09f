// How often the glue runs Go's scheduler, on workerd.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { startTidemark } from "./host.mjs";

// The module counts the calls of resume, and says how many there were.
const main = `
  import worker from "./worker/worker.mjs";
  export * from "./worker/worker.mjs";
  const resume = Go.prototype._resume;
  let resumes = 0;
  Go.prototype._resume = function () {
    resumes++;
    return resume.call(this);
  };
  export default {
    fetch: (request, env, ctx) => (request.url.endsWith("/resumes") ? new Response(String(resumes)) : worker.fetch(request, env, ctx)),
  };`;
let host;

before(async () => (host = await startTidemark({ main, bindings: { AUTH_SECRET: "a secret that only these tests know" } })));
after(() => host.close());

const text = async (path) => (await fetch(host.url + path)).text();

test("requests of which nothing is left call resume once in 16 exports", async () => {
  assert.equal(await text("/healthz"), `{"status":"ok"}`);
  const begun = Number(await text("/resumes"));
  for (let i = 0; i < 160; i++) await text("/healthz");
  assert.equal(Number(await text("/resumes")) - begun, 10);
});
