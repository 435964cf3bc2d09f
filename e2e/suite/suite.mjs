// Runs the jobs of a whole test run, several at the same time. Jobs that mostly wait run one
// after the other beside them. Each job that failed runs once more, by itself.
// A job that fails twice fails the run. A job that fails and then passes is
// flaky: the run passes, and its last lines name the job. A job that takes too long
// is killed with all processes that it started, and so are all jobs when SIGINT or
// SIGTERM ends the run.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { killTree } from "./processes.mjs";
import { describeSlowest, testsIn } from "./times.mjs";

const shownLines = 200; // of a job that failed
const halfAnHourMillis = 1_800_000;

/**
 * Runs jobs of {name, command, waits, env}, slots of them at the same time, in
 * the folder cwd. The output of each goes to a file of the folder dir, and lines
 * for the reader go to say. A job fails after limitMillis. Returns the exit code of
 * the run.
 */
export async function run(jobs, { slots, cwd, dir, say, limitMillis = halfAnHourMillis }) {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const began = performance.now();
  const attempts = [];
  const running = new Set(); // the ids of the jobs' processes
  const signals = { SIGINT: 130, SIGTERM: 143 }; // and the exit codes that a shell gives them
  const end = (signal) => {
    for (const pid of running) killTree(pid);
    process.exit(signals[signal]);
  };
  for (const signal of Object.keys(signals)) process.once(signal, end);

  async function attempt(job, again = "") {
    const file = path.join(dir, `${job.name.replace(/[^\w.-]+/g, "_")}${again && ".again"}.log`);
    const start = performance.now();
    const fault = await execute(job, { cwd, file, limitMillis, running });
    const seconds = (performance.now() - start) / 1000;
    const output = readFileSync(file, "utf8");
    say(`${fault ? "FAIL" : "ok  "} ${seconds.toFixed(1).padStart(6)}s  ${job.name}${again}`);
    if (fault) say(`${output.trimEnd().split("\n").slice(-shownLines).join("\n")}\n${job.name}: ${fault}; its whole output is in ${file}`);
    attempts.push({ name: job.name + again, seconds, tests: testsIn(output) });
    return { job, failed: fault !== undefined };
  }

  async function each(some, atOnce) {
    const waiting = some.values();
    const results = [];
    const work = async () => {
      for (const job of waiting) results.push(await attempt(job));
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    return results;
  }

  const waiting = each(jobs.filter((job) => job.waits), 1);
  const together = await each(jobs.filter((job) => !job.waits), slots);
  const flaky = [];
  const broken = [];
  for (const { job, failed } of [...together, ...(await waiting)]) {
    if (failed) ((await attempt(job, ", once more")).failed ? broken : flaky).push(job.name);
  }

  for (const signal of Object.keys(signals)) process.off(signal, end);
  say(`\nThe slowest files and packages:\n${describeSlowest(attempts)}`);
  say(`\nThe slowest tests:\n${describeSlowest(attempts.flatMap(({ name, tests }) =>
    tests.map((test) => ({ ...test, name: `${test.name} (${name})` }))))}\n`);
  say(`${jobs.length - broken.length} of ${jobs.length} passed in ${Math.round((performance.now() - began) / 1000)} seconds`);
  for (const name of flaky) say(`FLAKY ${name}: it failed, and passed when it ran once more by itself. That is a defect to mend.`);
  for (const name of broken) say(`FAIL ${name}: it failed twice.`);
  return broken.length > 0 ? 1 : 0;
}

/** Runs a job to its end. Returns its fault, or undefined. detached keeps a SIGINT of the terminal from it: end() handles that. */
async function execute({ command: [program, ...args], env }, { cwd, file, limitMillis, running }) {
  const fd = openSync(file, "w");
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", fd, fd], detached: true });
  closeSync(fd);
  if (child.pid !== undefined) running.add(child.pid);
  const watch = setTimeout(() => killTree(child.pid), limitMillis);
  try {
    const [code, signal] = await once(child, "exit");
    if (code !== 0) return signal ? `ended by ${signal}` : `exit code ${code}`;
  } catch (error) {
    return error.message; // it did not start
  } finally {
    clearTimeout(watch);
    running.delete(child.pid);
  }
}
