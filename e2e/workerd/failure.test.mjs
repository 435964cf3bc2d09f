// The errors that the glue on workerd returns by itself equal those of the wazero host.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { failure } from "../../worker/failure.mjs";

const cases = JSON.parse(readFileSync(new URL("../../shared/abi/testdata/failures.json", import.meta.url), "utf8"));

test("a failure has the shape of its path", async () => {
  for (const { path, message, type, body } of cases.filter(({ status }) => status === 500)) {
    const response = failure(`https://host${path}?a=b`, message);
    assert.equal(response.status, 500);
    assert.deepEqual(await response.json(), body);
    assert.deepEqual(Object.fromEntries(response.headers), {
      "content-type": type, "x-content-type-options": "nosniff", "cache-control": "no-store",
      "access-control-allow-origin": "*", "access-control-expose-headers": "retry-after",
    });
  }
});
