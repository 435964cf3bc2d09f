// What a section of the benchmarks measured: printed, and with BENCH_RESULTS=e2e/perf/results kept in results/SECTION.json with
// the date, the commit and the machine. docs/performance.md is made of these files (page/).
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { interval, median, round } from "./measure.mjs";
import { root } from "../doors.mjs";

const kept = path.join(root, "e2e/perf/results"); // what is committed
const folder = process.env.BENCH_RESULTS; // where to write, or nowhere
const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
const fileOf = (section, dir = kept) => path.join(dir, `${section}.json`);

// commit is what was built, "+" if the tree had changes: those of the results do not count.
function commit() {
  const changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!e2e/perf/results", ":!docs/performance.md");
  return git("rev-parse", "--short=9", "HEAD") + (changed && "+");
}

const machine = () => ({
  cpu: cpus()[0].model.trim(), cores: cpus().length, memoryGB: round(totalmem() / 1e9),
  node: process.versions.node, workerd: createRequire(import.meta.url)("workerd/package.json").version,
});

// busy returns the seconds of processor that the machine has used, and those of this process with
// the children that ended. What a hypervisor gave to other machines counts as used.
function busy() {
  const ticks = (file, from, ...fields) => {
    const all = readFileSync(file, "utf8").split("\n")[0].split(from)[1].trim().split(/\s+/).map(Number);
    return fields.reduce((sum, field) => sum + all[field], 0) / 100;
  };
  return { all: ticks("/proc/stat", "cpu", 0, 1, 2, 5, 6, 7), own: ticks("/proc/self/stat", ") ", 11, 12, 13, 14) };
}

// figure is what is kept of the samples of a figure: the median, the ends of the interval of the
// median, and how many samples there were. A text stays as it is: it says why there is no figure.
export function figure(samples) {
  if (typeof samples === "string") return samples;
  const values = [samples].flat();
  const failed = values.find((value) => typeof value === "string");
  if (failed) return failed;
  const short = (value) => Number(value.toPrecision(4));
  const { low, high } = interval(values);
  return [short(median(values)), short(low), short(high), values.length];
}

// isWide says whether a ratio must not be quoted: its interval is wider than 20 % of it, or it
// has less than five rounds.
export const isWide = ([middle, low, high, rounds]) => rounds < 5 || high - low > 0.2001 * Math.abs(middle);

const digits = (n) => n.toLocaleString("en", { maximumFractionDigits: Math.abs(n) < 10 ? 2 : Math.abs(n) < 100 ? 1 : 0 });

// shown is a figure as text: with half its interval, or as its interval if it is a wide ratio.
export function shown(value, isRatio) {
  if (typeof value === "string") return value;
  const [middle, low, high, rounds] = value;
  if (isRatio && isWide(value)) return rounds > 1 ? `${digits(low)}–${digits(high)} ?` : `${digits(middle)} ?`;
  if (rounds === 1 || middle === 0) return digits(middle);
  return `${digits(middle)} ±${Math.ceil((50 * (high - low)) / Math.abs(middle) - 0.01)} %`;
}

// over returns the ratios of samples, round by round.
export const over = (samples, others) => samples.map((value, i) => value / others[i]);

// A Section collects tables. A row of a table has a name in several parts, such as {request,
// connections, target}, figures and ratios. The last two hold samples of all rounds.
class Section {
  tables = [];
  began = performance.now();

  table(name, title) {
    const table = { name, title, rows: [] };
    this.tables.push(table);
    const { began } = this;
    const all = (figures) => Object.fromEntries(Object.entries(figures).filter(([, samples]) => samples !== undefined).map(([key, samples]) => [key, figure(samples)]));
    return {
      row(of, figures, ratios = {}) {
        console.error(`   ${minutes((performance.now() - began) / 1000)}: ${Object.values(of).join(", ")}`);
        table.rows.push({ of, figures: all(figures), ratios: all(ratios) });
      },
      // rows takes what compare has returned.
      rows(of, measured) {
        for (const [target, samples] of Object.entries(measured)) this.row({ ...of, target }, samples);
      },
    };
  }
}

function print({ title, rows }) {
  console.log(`\n${title}`);
  console.table(Object.fromEntries(rows.map(({ of, figures, ratios }) => {
    const cells = (of, isRatio) => Object.entries(of).map(([key, value]) => [key, shown(value, isRatio)]);
    return [Object.values(of).join(", "), Object.fromEntries([...cells(figures, false), ...cells(ratios, true)])];
  })));
}

const minutes = (seconds) => `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;

// took returns how many seconds a section took the last time, or undefined.
const took = (name) => (existsSync(fileOf(name)) ? JSON.parse(readFileSync(fileOf(name), "utf8")).seconds : undefined);

// textOf is the file of a result: a line for each row, so that a difference between two can be read.
export function textOf({ tables, ...rest }) {
  const rows = (table) => table.rows.map((row) => `   ${JSON.stringify(row)}`).join(",\n");
  const all = tables.map((table) => `  {"name": ${JSON.stringify(table.name)}, "title": ${JSON.stringify(table.title)}, "rows": [\n${rows(table)}\n  ]}`).join(",\n");
  return `${JSON.stringify(rest, null, 1).slice(0, -2)},\n "tables": [\n${all}\n ]\n}\n`;
}

async function runOne(name, body) {
  const section = new Section();
  const built = commit();
  const before = { ...busy(), load: loadavg()[0] };
  const begin = performance.now();
  await body(section);
  const seconds = (performance.now() - begin) / 1000;
  const after = busy();
  const others = Math.max(0, (after.all - before.all - (after.own - before.own)) / seconds);
  const { tables } = section;
  for (const table of tables) print(table);
  const result = {
    date: new Date().toISOString().slice(0, 10), commit: built, machine: machine(),
    loadBefore: round(before.load, 2), coresOfOthers: round(others, 2), seconds: round(seconds), tables,
  };
  if (!folder) return result;
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileOf(name, folder), textOf(result));
  return result;
}

// runAll runs the chosen sections of {name: body} in the order in which they are chosen, or all. "rooms" chooses all
// whose name begins with "rooms-". It says how far it is. The results of other sections stay.
export async function runAll(sections, chosen) {
  const named = (one) => Object.keys(sections).filter((name) => name === one || name.startsWith(`${one}-`));
  for (const one of chosen) if (named(one).length === 0) throw new Error(`no section ${one}: ${Object.keys(sections).join(" ")}`);
  const wanted = chosen.length === 0 ? Object.keys(sections) : [...new Set(chosen.flatMap(named))];
  const known = wanted.map(took).filter((seconds) => seconds !== undefined);
  console.log(`${wanted.length} sections; ${known.length} of them took ${minutes(known.reduce((a, b) => a + b, 0))} together the last time`);
  const begin = performance.now();
  for (const [i, name] of wanted.entries()) {
    const last = took(name);
    console.log(`\n== ${name}: ${i + 1} of ${wanted.length}, after ${minutes((performance.now() - begin) / 1000)}${last ? `; took ${minutes(last)} the last time` : ""}`);
    const { seconds, loadBefore, coresOfOthers, machine } = await runOne(name, sections[name]);
    console.log(`${name} took ${minutes(seconds)} on ${machine.cores} cores of ${machine.cpu}. The load before was ${loadBefore}; other processes used ${coresOfOthers} cores meanwhile.`);
  }
  console.log(`\n${wanted.length} sections took ${minutes((performance.now() - begin) / 1000)}. ± is half of the interval that the median is in with a probability of 95 %. A ratio
with "?" must not be quoted: that interval is wider than 20 % of it, or it has less than 5 rounds. The interval stands in its place, or the ratio of the only round.
The page of all results: go run ./e2e/perf/page`);
}

// main runs the sections that a file has, if the file is the program: those of its arguments, which
// may leave out the prefix, or all.
export async function main(url, sections, prefix = "") {
  if (process.argv[1] !== fileURLToPath(url)) return;
  const full = (name) => (name in sections ? name : `${prefix}-${name}`);
  await runAll(sections, process.argv.slice(2).map(full));
}
