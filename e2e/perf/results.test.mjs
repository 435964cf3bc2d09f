// How results are kept and printed.
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { scratch } from "../workerd/host.mjs";

const folder = (process.env.BENCH_RESULTS = scratch("results"));
const { figure, isWide, over, runAll, shown, textOf } = await import("./results.mjs");

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

const read = (name) => JSON.parse(readFileSync(path.join(folder, name), "utf8"));

test("chosen sections are kept with their time and place, and the results of others stay", async () => {
  writeFileSync(path.join(folder, "sync.json"), "another day's");
  const section = (name) => (section) => section.table("times", name).row({ request: "pull", connections: 8 }, { ms: [1, 2, 3, 4, 5], gone: undefined }, { time: [2, 2, 2, 2, 2] });
  await runAll({ sync: section("sync"), "rooms-a": section("a"), "rooms-b": section("b"), roomsful: section("c") }, ["rooms"]);
  deepEqual(readdirSync(folder).sort(), ["rooms-a.json", "rooms-b.json", "sync.json"]);
  equal(readFileSync(path.join(folder, "sync.json"), "utf8"), "another day's");
  const { date, commit, machine, loadBefore, coresOfOthers, seconds, tables } = read("rooms-b.json");
  match(date, /^\d{4}-\d\d-\d\d$/);
  match(commit, /^[0-9a-f]{9}\+?$/);
  ok(machine.cpu.length > 0 && machine.cores > 0 && [loadBefore, coresOfOthers, seconds].every((n) => n >= 0));
  deepEqual(tables, [{ name: "times", title: "b", rows: [{ of: { request: "pull", connections: 8 }, figures: { ms: [3, 1, 5, 5] }, ratios: { time: [2, 2, 2, 5] } }] }]);
});

test("a section that does not exist is an error before any runs", async () => {
  let ran = false;
  await rejects(runAll({ sync: () => (ran = true) }, ["sync", "sink"]), /no section sink: sync/);
  equal(ran, false);
});

test("rows that compare has returned are rows of a table, by their target", async () => {
  await runAll({ compared: (section) => section.table("t", "T").rows({ readers: 50 }, { workerd: { ms: [1, 2] }, wazero: { ms: [3, 4] } }) }, []);
  deepEqual(read("compared.json").tables[0].rows.map(({ of, figures }) => [of, figures]), [
    [{ readers: 50, target: "workerd" }, { ms: [1.5, 1, 2, 2] }], [{ readers: 50, target: "wazero" }, { ms: [3.5, 3, 4, 2] }],
  ]);
});
