// Benchmarks measure their targets in turns.
import { readFileSync, writeFileSync } from "node:fs";
import { load } from "./targets.mjs";

export const rounds = Number(process.env.BENCH_ROUNDS) || 9;
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.floor(sorted.length / 2)]) / 2;
}
export const round = (n, digits = 0) => Number(n.toFixed(digits));

// compare measures {name: target} in turns, so that a change of the machine's speed affects
// all alike. one(target) returns numbers. compare returns {name: {key: samples}}, a sample a round.
export async function compare(targets, one, times = rounds) {
  const seen = {};
  for (let i = 0; i < times; i++) {
    for (const [name, target] of Object.entries(targets)) {
      for (const [key, value] of Object.entries(await one(target))) ((seen[name] ??= {})[key] ??= []).push(value);
    }
  }
  return seen;
}

// interval returns the ends of the interval in which the median of all possible samples is
// with a probability of at least 95 %, whatever their distribution (the binomial interval of a
// median, which needs 6 samples; of fewer it is their range).
export function interval(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  const n = sorted.length;
  let outside = 0, k = 0; // k samples at each end can be left out
  for (let choose = 1; ; choose = (choose * (n - k)) / (k + 1), k++) {
    outside += (2 * choose) / 2 ** n;
    if (outside > 0.05) break;
  }
  const first = Math.max(0, k - 1);
  return { low: sorted[first], high: sorted[n - 1 - first] };
}

// pairedRatio returns the median of after / before, pair by pair, and its interval.
export function pairedRatio(before, after) {
  const ratios = after.map((value, i) => value / before[i]);
  return { ratio: median(ratios), ...interval(ratios) };
}

// loaded runs load against a target: requests per second, latencies, the processor time of
// the target for a request, and the time of the clock, all times in µs; and how often a busy
// target refused one.
export async function loaded(target, url, options) {
  const { rps, p50, p99, server, refused } = await load(target.url + url, { ...options, pid: target.pid });
  return { rps, p50, p99, cpu: server, time: 1e6 / rps, ...(refused && { refused }) };
}

// peakMB returns the largest resident memory of a process since forget.
export const peakMB = (pid) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
export const forget = (pid) => writeFileSync(`/proc/${pid}/clear_refs`, "5");

export function print(title, rows) {
  console.log(`\n${title}`);
  console.table(rows);
}
