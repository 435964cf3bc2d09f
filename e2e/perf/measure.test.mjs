// The statistics of the benchmarks.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { median, pairedRatio } from "./measure.mjs";

test("a median of an even number of values is between the two in the middle", () => {
  equal(median([3, 1, 2]), 2);
  equal(median([10, 1, 2, 3]), 2.5);
});

test("a ratio is that of pairs, with the interval of its median", () => {
  const before = [100, 200, 100, 400, 100, 100, 100, 100, 100, 100];
  const ratios = [1.1, 1.2, 9, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 0.1];
  const { ratio, low, high } = pairedRatio(before, before.map((value, i) => value * ratios[i]));
  equal(ratio.toFixed(3), "1.450");
  deepEqual([low.toFixed(2), high.toFixed(2)], ["1.10", "1.80"]); // of 10 pairs the second at each end
});

test("the interval of a few pairs is their range, and that of many leaves more out", () => {
  const ends = (n) => {
    const { low, high } = pairedRatio(Array(n).fill(1), Array.from({ length: n }, (_, i) => i + 1));
    return [low, high];
  };
  deepEqual(ends(5), [1, 5]);
  deepEqual(ends(6), [1, 6]);
  deepEqual(ends(8), [1, 8]);
  deepEqual(ends(9), [2, 8]);
  deepEqual(ends(20), [6, 15]); // the table of the sign test
});
