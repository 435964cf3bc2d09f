// The op by which the guest sends a request to another server, on workerd. The wazero host
// has the same cases (wasm/edge/fetch_test.go).
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { start } from "./host.mjs";

const guest = new URL("../../build/testguest.wasm", import.meta.url).pathname;
const cases = JSON.parse(readFileSync(new URL("../../shared/abi/testdata/fetch.json", import.meta.url)));
let host, other;

before(async () => {
  other = createServer(async (request, response) => {
    response.setHeader("x", "z");
    const [, name, n] = request.url.split("/");
    if (name === "redirect") return response.writeHead(302, { location: "/hello" }).end();
    response.setHeader("content-type", "text/plain");
    if (name === "never") return;
    if (name === "endless") return void response.write("a");
    if (name === "long") return response.end("a".repeat(n));
    response.statusCode = name === "status" ? Number(n) : 200;
    response.end(`${request.method} ${request.url} ${request.headers.x} ${await text(request)}`);
  });
  await new Promise((listening) => other.listen(0, "127.0.0.1", listening));
  host = await start(guest);
});
after(() => {
  other.closeAllConnections();
  other.close();
  return host.mf.dispose();
});

for (const { what, path, url, method = "GET", body = "", ms = 600_000, max = 1000, reach = 0, want, error } of cases) {
  test(`the guest fetches: ${what}`, async () => {
    const query = new URLSearchParams({ url: url ?? `http://127.0.0.1:${other.address().port}${path}`, method, body, ms, max, reach });
    const got = await (await fetch(`${host.url}/fetch?${query}`)).json();
    if (want) assert.deepEqual(got, want);
    else assert.ok(typeof got.error === "string" && got.error.includes(error), JSON.stringify(got));
  });
}
