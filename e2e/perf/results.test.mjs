// How results are kept and printed.
import { deepEqual, equal } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { figure, isWide, over, shown, textOf } from "./results.mjs";

const tight = [1, 0.95, 1.05, 1.02, 0.98, 1.01, 1, 0.99, 1.03];

test("a figure is its median, the interval of the median and the number of rounds", () => {
  deepEqual(figure([3, 1, 2, 5, 4]), [3, 1, 5, 5]);
  deepEqual(figure(tight), [1, 0.98, 1.03, 9]); // of nine samples the second at each end
  deepEqual(figure(0.123456), [0.1235, 0.1235, 0.1235, 1]);
  equal(figure("no copy within a minute"), "no copy within a minute");
  equal(figure([1, "it broke", 2]), "it broke");
});

// page/page_test.go reads these cases, too: the page has the same texts.
const cases = JSON.parse(readFileSync(new URL("testdata/shown.json", import.meta.url), "utf8"));

test("a ratio with a spread of 20 % is shown, and a wider one, or one of less than five rounds, is only its interval, with a mark", () => {
  for (const { figure, ratio, text } of cases) equal(shown(figure, ratio), text, JSON.stringify(figure));
});

test("a ratio of less than five rounds is marked, however close they are", () => {
  equal(isWide([1, 1, 1, 4]), true);
  equal(isWide([1, 1, 1, 5]), false);
});

test("ratios are of the same round", () => deepEqual(over([2, 6], [1, 2]), [2, 3]));

test("the file of a result is JSON with a line for each row", () => {
  const result = { date: "2026-11-30", seconds: 3, tables: [{ name: "a", title: "A", rows: [{ of: { target: "x" }, figures: { ms: [1, 1, 1, 5] }, ratios: {} }] }] };
  deepEqual(JSON.parse(textOf(result)), result);
  equal(textOf(result).split("\n").filter((line) => line.includes("target")).length, 1);
});
