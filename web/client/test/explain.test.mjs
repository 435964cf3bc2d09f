// Why a row is as it is: a table of what this device has, what the server has, and what the inspector says.
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { explainRow } from "../dist/inspector/explain.js";

const pulled = 1_700_000_000_000; // lastPulledAt
const now = pulled + 60_000;
const row = { id: "r", title: "a", body: "b", created_at: 1, updated_at: pulled - 10 };
const here = (status, changed = "", columns = {}) => ({ ...row, ...columns, _status: status, _changed: changed });
const server = (state, stamp, columns, more) => ({
  timestamp: now, horizon: 0, floor: 0, state, stamp, ahead: null, row: columns ? { ...row, ...columns } : null, ...more,
});
const live = (stamp, columns = {}, more = {}) => server("live", stamp, columns, more);
const deleted = server("deleted", pulled + 5);
const unknown = (more) => server("unknown", null, undefined, more);

const mine = (updated_at, columns = { title: "mine" }) => here("updated", [...Object.keys(columns), "updated_at"].join(), { ...columns, updated_at });
const theirs = (updated_at, columns = { body: "theirs" }, more) => live(pulled + 5, { ...columns, updated_at }, more);

// name, here, there, verdict, winner, what the sentences say, and further facts
const table = [
  ["synced", here("synced"), live(pulled - 1), "synced", null, [/both sides have the same/]],
  ["synced by its own push", here("synced"), live(pulled + 5), "synced", null, [/both sides have the same/]],
  ["only here", here("created"), unknown(), "only here", "device", [/only here/, /next push creates/]],
  ["created here, and the response was lost", here("created"), live(pulled + 5), "synced", null, [/response did not/]],
  ["edited here", mine(pulled + 10), live(pulled, {}), "edited here", "device", [/edited title and updated_at/, /not changed since/, /wins, whatever the clocks say/]],
  ["edited here by a slow clock", mine(pulled - 9), live(pulled, {}), "edited here", "device", [/wins, whatever the clocks say/, /clock is 60 s behind the server's/], { clockOffset: 60_000 }],
  ["edited there", here("synced"), theirs(pulled + 4), "edited there", "server", [/another body and updated_at/, /next pull brings it/]],
  ["other there without a newer stamp", here("synced"), live(pulled, { body: "x" }), "edited there", "server", [/not after this device's last pull/, /schema/]],
  ["edited on both sides, here later", mine(pulled + 20), theirs(pulled + 4), "edited on both sides", "both", [/title and updated_at stay/, /body is the server's/, /your edit would win/]],
  ["edited on both sides, there later", mine(pulled + 3), theirs(pulled + 4), "edited on both sides", "both", [/the server's would win/]],
  ["edited on both sides at one time", mine(pulled + 4), theirs(pulled + 4), "edited on both sides", "both", [/the greater content would win/]],
  ["the same column on both sides", mine(pulled + 20), theirs(pulled + 4, { title: "theirs" }), "edited on both sides", "device", [/changed nothing else/]],
  ["edited on both sides, by a clock far ahead", mine(now + 90_000), theirs(pulled + 8000), "edited on both sides", "both", [/does not believe that time/, /the server's would win/, /60 s ahead of/], { clockOffset: -60_000 }],
  ["a time that is within the tolerance by the server's clock", mine(now + 4000), theirs(pulled + 8000), "edited on both sides", "both", [/your edit would win/], { clockOffset: 0 }],
  ["a time that the row's memory does not believe", mine(pulled + 9000), theirs(pulled + 8000, { body: "x" }, { ahead: pulled + 9000 }), "edited on both sides", "both", [/does not believe/, /the server's would win/]],
  ["deleted here", here("deleted"), live(pulled), "deleted here", "device", [/deletes it for everybody/, /final/]],
  ["deleted here, edited there", here("deleted"), theirs(pulled + 4), "deleted here", "device", [/The deletion wins all the same/]],
  ["deleted on both sides", here("deleted"), deleted, "deleted here", null, [/on both sides/]],
  ["deleted there", here("synced"), deleted, "deleted there", "server", [/Somebody deleted/, /next pull deletes it/]],
  ["deleted there, edited here", mine(pulled + 10), deleted, "deleted there", "server", [/your edits of it are lost/]],
  ["deleted there, and not here", null, deleted, "deleted there", null, [/does not have it either/]],
  ["only there", null, live(pulled + 5), "only there", "server", [/next pull brings it/]],
  ["only there for long", null, live(pulled - 5), "only there", "server", [/should have brought it/]],
  ["not readable", here("synced"), unknown(), "not readable", "server", [/no such row that you may read/, /does not say which/, /pull deletes it/]],
  ["not readable, edited here", mine(pulled + 1), unknown(), "not readable", null, [/is rejected if the rules/]],
  ["not readable, deleted here", here("deleted"), unknown(), "not readable", null, [/makes that final/]],
  ["nowhere", null, unknown(), "not readable", null, [/does not have it either/]],
  ["purged or restored", here("synced"), unknown({ horizon: pulled + 1 }), "not readable", "server", [/replaces what this device has/]],
  ["nobody could ask", mine(pulled + 1), null, "server not asked", null, [/has a change/, /unknown what the server has/]],
  ["nobody could ask about a synced row", here("synced"), null, "server not asked", null, [/nothing to push/]],
  ["rejected by a check", here("synced"), live(pulled), "synced", null, [/rejected the last push.*body: it is too long/], { rejection: { table: "t", id: "r", column: "body", reason: "it is too long" } }],
  ["rejected by a rule", here("synced"), live(pulled), "synced", null, [/rejected the last push of this row: the rules/], { rejection: { table: "t", id: "r", reason: "the rules of the table" } }],
];

describe("explainRow()", () => {
  for (const [name, here, there, verdict, winner, texts, more] of table) {
    test(name, () => {
      const got = explainRow({ table: "t", id: "r", here, there, lastPulledAt: pulled, rejection: null, clockOffset: null, now, ...more });
      assert.deepEqual([got.verdict, got.winner], [verdict, winner]);
      for (const text of texts) assert.match(got.sentences.join(" "), text);
      for (const sentence of got.sentences) assert.doesNotMatch(sentence, /undefined|NaN|null/);
    });
  }

  test("names what each side has, and which columns this device wrote", () => {
    const { columns } = explainRow({ table: "t", id: "r", here: mine(7), there: theirs(9), lastPulledAt: pulled, rejection: null, clockOffset: null, now });
    assert.deepEqual(columns, [
      { name: "title", here: "mine", there: "a", changed: true },
      { name: "body", here: "b", there: "theirs", changed: false },
      { name: "created_at", here: 1, there: 1, changed: false },
      { name: "updated_at", here: 7, there: 9, changed: true },
    ]);
  });
});
