// Benchmarks measure their targets in turns.
import { readFileSync, writeFileSync } from "node:fs";
import { usage } from "../workerd/host.mjs";
import { load } from "./targets.mjs";

export const rounds = Number(process.env.BENCH_ROUNDS) || 5;
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.floor(sorted.length / 2)]) / 2;
}
export const round = (n, digits = 0) => Number(n.toFixed(digits));

// compare measures {name: target} in turns, so that a change of the machine's speed affects
// all alike. one(target) returns numbers, of which compare returns medians.
export async function compare(targets, one, times = rounds) {
  const seen = {};
  for (let i = 0; i < times; i++) {
    for (const [name, target] of Object.entries(targets)) {
      for (const [key, value] of Object.entries(await one(target))) ((seen[name] ??= {})[key] ??= []).push(value);
    }
  }
  const medians = (keys) => Object.fromEntries(Object.entries(keys).map(([key, values]) => [key, median(values)]));
  return Object.fromEntries(Object.entries(seen).map(([name, keys]) => [name, medians(keys)]));
}

// pairedRatio returns the median of after / before, pair by pair, and the interval in which the true
// median is with a probability of at least 95 %, whatever their distribution (the binomial
// interval of a median, which needs 6 pairs; of fewer it is their range).
export function pairedRatio(before, after) {
  const ratios = after.map((value, i) => value / before[i]).toSorted((a, b) => a - b);
  const n = ratios.length;
  let outside = 0, k = 0; // k ratios at each end can be left out
  for (let choose = 1; ; choose = (choose * (n - k)) / (k + 1), k++) {
    outside += (2 * choose) / 2 ** n;
    if (outside > 0.05) break;
  }
  const first = Math.max(0, k - 1);
  return { ratio: median(ratios), low: ratios[first], high: ratios[n - 1 - first] };
}

// loaded runs load against a target: requests per second, latencies and the
// processor time of a request, in µs.
export async function loaded(target, url, options) {
  const before = usage(target.pid).cpuMillis;
  const { rps, p50, p99, requests } = await load(target.url + url, options);
  return { rps, p50, p99, cpu: ((usage(target.pid).cpuMillis - before) * 1000) / requests };
}

// peakMB returns the largest resident memory of a process since forget.
export const peakMB = (pid) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
export const forget = (pid) => writeFileSync(`/proc/${pid}/clear_refs`, "5");

export function print(title, rows) {
  console.log(`\n${title}`);
  console.table(rows);
}
