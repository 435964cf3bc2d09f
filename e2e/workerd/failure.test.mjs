// The errors that the glue on workerd returns by itself equal those of the wazero host.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { failure } from "../../worker/failure.mjs";
import { Trace } from "../../worker/log.mjs";

const cases = JSON.parse(readFileSync(new URL("../../shared/abi/testdata/failures.json", import.meta.url), "utf8"));

const named = { request_id: "r-1", traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" }; // M3
const trace = new Trace(new Headers({ "x-request-id": named.request_id, traceparent: named.traceparent }));

test("a failure has the shape of its path", async () => {
  for (const { path, message, type, body } of cases.filter(({ status }) => status === 500)) {
    const response = failure(`https://host${path}?a=b`, message, trace);
    assert.equal(response.status, 500);
    assert.deepEqual(await response.json(), type === "application/problem+json" ? { ...body, ...named } : body);
    assert.deepEqual(Object.fromEntries(response.headers), {
      "content-type": type, "x-content-type-options": "nosniff", "cache-control": "no-store",
      "access-control-allow-origin": "*", "access-control-expose-headers": "retry-after, x-request-id",
      "x-request-id": "r-1",
    });
  }
});
