import { test } from "node:test";
import assert from "node:assert/strict";
import { Causes } from "./causes.mjs";

const push = (lastPulledAt, notes) => ({ lastPulledAt, changes: { customers: { created: [], updated: [{ id: "a", notes, updated_at: 0 }], deleted: [] } } });
const accepted = (timestamp) => ({ timestamp, superseded: {} });
const lost = (timestamp) => ({ timestamp, superseded: { customers: ["a"] } });
const ends = (notes) => ({ customers: [{ id: "a", notes, updated_at: 0 }], products: [] });

test("c3 the oracle finds an edit that lost to a version its author had seen, and a lost edit", () => {
  const causes = new Causes();
  causes.pushed(push(1, "first"), accepted(5));
  causes.pushed(push(4, "without having seen it"), lost(6));
  causes.pushed(push(6, "second"), accepted(7));
  causes.check(ends("second"));
  assert.throws(() => causes.check(ends("first")), /last version of a/);
  assert.throws(() => causes.check({ customers: [], products: [] }), /not deleted/);
  assert.throws(() => causes.pushed(push(7, "third"), lost(8)), /its author had seen/);
});
