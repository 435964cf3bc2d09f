// What the pages of the console compute without a browser.
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { compare } from "../../web/console/src/pages/documents/compare.ts";
import { readClaims } from "../../web/console/src/pages/rows/claims.ts";
import { checks, who } from "../../web/console/src/pages/rows/tables.ts";
import { sentenceOf } from "../../web/console/src/pages/rows/verdicts.ts";
import { token } from "../doors.mjs";

/** The parts of a comparison as text: "-" and "+" begin lines that differ, [] are the words that do. */
const shown = (before, after) => {
  const signs = { same: " ", removed: "-", added: "+" };
  const line = ({ kind, pieces }) => signs[kind] + pieces.map(({ text, changed }) => (changed && pieces.length > 1 ? `[${text}]` : text)).join("");
  return compare(before, after).parts.map((part) => (part.kind === "skipped" ? `${part.lines.length} equal` : line(part)));
};
const lines = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => `line ${from + i}`);

describe("the comparison of two texts", () => {
  test("marks the words that differ in a changed line", () => {
    assert.deepEqual(shown("a\nwe buy brass now\nc", "a\nwe buy steel now\nc\nd"), [" a", "-we buy [brass] now", "+we buy [steel] now", " c", "+d"]);
  });
  test("leaves out equal lines that are far from a change", () => {
    const text = [...lines(1, 8), "x", ...lines(9, 20)].join("\n");
    assert.deepEqual(shown(text, text.replace("x", "y")), ["6 equal", " line 7", " line 8", "-x", "+y", " line 9", " line 10", "10 equal"]);
  });
  test("of a text that is empty, new or gone", () => {
    assert.deepEqual(shown("", ""), []);
    assert.deepEqual(shown("", "a\nb"), ["+a", "+b"]);
    assert.deepEqual(shown("a\n", ""), ["-a"]);
    assert.deepEqual(shown("a\n\nb", "a\nb"), [" a", "-", " b"]);
  });
  test("counts lines", () => {
    const { added, removed } = compare("a\nb\nc", "a\nB\nc\nd");
    assert.deepEqual({ added, removed }, { added: 2, removed: 1 });
  });
  test("puts one text after the other if it would take too long, and loses no line", () => {
    const [before, after] = ["a", "b"].map((letter) => Array.from({ length: 40_000 }, (_, i) => letter + i));
    const { added, removed } = compare(before.join("\n"), after.join("\n"));
    assert.deepEqual({ added, removed }, { added: 40_000, removed: 40_000 });
  });
});

describe("pasted claims", () => {
  const claims = { sub: "Zoë", exp: 1, teams: ["a/b+c?", "日本"] };
  test("are JSON, or those of a token, with or without the word before it", () => {
    assert.deepEqual(readClaims(` ${JSON.stringify(claims)}\n`), { claims, decoded: false });
    const { iat: _, ...payload } = readClaims(`Bearer ${token("Zoë", claims)}`).claims;
    assert.deepEqual(payload, claims);
  });
  for (const text of ["", "nonsense", "[]", "null", "7", "a.b.c", "eyJ.!!.x", token("x").split(".").slice(0, 2).join(".")]) {
    test(`are refused with a reason: ${text.slice(0, 12)}`, () => assert.throws(() => readClaims(text), /JSON/));
  }
});

test("rules and checks are sentences", () => {
  assert.equal(who("all"), "everybody");
  assert.equal(who("none"), "nobody");
  assert.equal(who("scope edit"), "callers with edit in the scope of their token");
  assert.equal(who("owner_id = sub or team in org.teams"), "callers whose claim sub is the row's owner_id, and callers whose claim org.teams has the row's team");
  assert.equal(checks({ type: "string", min: 1, max: 4 }), "at least 1 character; at most 4 characters");
  assert.equal(checks({ type: "number", enum: [1, 2.5] }), "one of 1, 2.5");
  assert.equal(checks({ type: "boolean" }), "");
});

test("verdicts are sentences", () => {
  const of = (kind, more) => sentenceOf({ kind, subject: "u1", stamp: 1796090000000, ...more });
  assert.match(of("brought"), /^A pull of u1 brings this row/);
  assert.match(of("rejected"), /^u1 pushed this row, and a check or a rule rejected it/);
  assert.match(of("rejected_deletion", { subject: null }), /^A caller without a subject deleted this row/);
  assert.match(of("withdrawn", { subject: null, old: { owner_id: "u2" } }), /\(owner_id was u2\)\. Their devices lose it/);
  assert.match(of("withdrawn", { subject: null, old: null }), /no longer read it\. /);
});
