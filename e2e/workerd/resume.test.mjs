// How often the glue runs Go's scheduler, on workerd.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { startTidemark } from "./host.mjs";

// The module counts the calls of resume, and how often the guest's memory grew, and says how many there were.
const main = `
  import worker from "./worker/worker.mjs";
  export * from "./worker/worker.mjs";
  const resume = Go.prototype._resume;
  let resumes = 0, grown = 0;
  Go.prototype._resume = function () {
    resumes++;
    return resume.call(this);
  };
  globalThis.Go = class extends Go {
    constructor() {
      super();
      const { gojs } = this.importObject, grows = gojs["runtime.resetMemoryDataView"];
      gojs["runtime.resetMemoryDataView"] = (sp) => {
        grown++;
        grows(sp);
      };
    }
  };
  const counts = { "/resumes": () => resumes, "/grown": () => grown };
  export default {
    fetch(request, env, ctx) {
      const count = counts[new URL(request.url).pathname];
      return count ? new Response(String(count())) : worker.fetch(request, env, ctx);
    },
  };`;
let host;

before(async () => (host = await startTidemark({ main, bindings: { AUTH_SECRET: "a secret that only these tests know" } })));
after(() => host.close());

const text = async (path) => (await fetch(host.url + path)).text();

test("an instance boots and responds without Go's scheduler and without more memory", async () => {
  assert.equal(await text("/healthz"), `{"status":"ok"}`);
  assert.deepEqual([await text("/resumes"), await text("/grown")], ["0", "0"]);
});

test("requests of which nothing is left call resume once in 16 exports", async () => {
  assert.equal(await text("/healthz"), `{"status":"ok"}`);
  const begun = Number(await text("/resumes"));
  for (let i = 0; i < 160; i++) await text("/healthz");
  assert.equal(Number(await text("/resumes")) - begun, 10);
});
