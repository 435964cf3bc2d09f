// Runs the self-hosted server for SOAK, such as 10m or 1h, with mixed real clients and faults, all by the seed SEED.
// It fails if something that the server acknowledged is lost, if the server does not go on after a fault, or if its
// memory, threads, goroutines, open files or disk grow. docs/proofs.md says more.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../backup/tidemark.mjs";
import { Disk, obstacle } from "../disk/disk.mjs";
import { freePort, root, wazero } from "../doors.mjs";
import { dice } from "../dice.mjs";
import { until } from "../until.mjs";
import { Client } from "../webhooks/client.mjs";
import { Receiver, variables } from "../webhooks/receiver.mjs";
import { Crew, ProjectCrew } from "./crews.mjs";
import { Toxiproxy } from "./toxiproxy.mjs";

const MB = 1 << 20;
const diskMB = 512;
const pauseMillis = 150; // between two steps of a client
const sampleMillis = 2_000;
const spaces = 4;
const outageMillis = [500, 5_000]; // how long a fault takes
const calmMillis = [2_000, 6_000]; // between two faults
const jumpSeconds = 1_200; // of the clock
const patienceMillis = 120_000;

// What a figure may add between the second and the last quarter of the time after the restarts: a share, and a constant.
const growth = {
  memory: { share: 0.1, constant: 24 * MB, unit: MB }, threads: { share: 0.25, constant: 10, unit: 1 }, goroutines: { share: 0.25, constant: 50, unit: 1 },
  files: { share: 0.25, constant: 30, unit: 1 }, disk: { share: 0.25, constant: 16 * MB, unit: MB },
};

export class Soak {
  faults = {};
  samples = [];

  constructor({ seconds, seed, say }) {
    Object.assign(this, { seconds, seed, say, random: dice(seed) });
    this.door = wazero({ YJS_COPY_MILLIS: "2000", LIMIT_REQUESTS_PER_MINUTE: "1000000", LIMIT_UPLOADS_PER_MINUTE: "10000" });
    this.receiver = new Receiver();
    this.proxy = new Toxiproxy(path.join(root, "build/toxiproxy"));
  }

  between([least, most]) {
    return least + Math.floor(this.random() * (most - least));
  }

  async start() {
    const { door } = this;
    const server = path.join(root, "build/tidemark-soak"); // whose clock can jump
    this.metrics = `127.0.0.1:${await freePort()}`;
    this.clock = path.join(mkdtempSync(`${door.dir}-clock-`), "seconds");
    this.jump(0);
    this.backups = mkdtempSync(`${door.dir}-backups-`);
    await this.receiver.open();
    Object.assign(door.variables, variables(this.receiver));
    door.variables.TIDEMARK_SOAK_CLOCK = this.clock;
    door.prepare = () => {};
    door.command = ({ port, dir }) => [server, "serve", "--addr", `127.0.0.1:${port}`, "--data", dir, "--wasm", "build/tidemark.wasm",
      "--open-files", "8", "--metrics-addr", this.metrics, "--backup-to", this.backups, "--backup-every", "20s", "--backup-keep", "2"];
    this.obstacle = obstacle();
    if (!this.obstacle) this.disk = new Disk(door.dir, diskMB);
    await door.start();
    await this.proxy.start(door.url);
    const project = new ProjectCrew(this.proxy.url);
    await project.begin();
    this.crews = [...["", ...Array.from({ length: spaces }, (_, i) => `space-${i}`)].map((space) => new Crew(this.proxy.url, space)), project];
    this.end = performance.now() + this.seconds * 1_000;
    this.sampling = this.sample();
    for (const crew of this.crews) crew.work(pauseMillis);
  }

  jump(seconds) {
    this.jumped = seconds;
    writeFileSync(this.clock, String(seconds));
  }

  // run makes the faults: those that restart the server in the first half of the time, the others in all of it.
  async run() {
    const half = this.end - this.seconds * 500;
    const restarts = {
      "kill -9": () => this.restart("SIGKILL"),
      SIGTERM: () => this.restart("SIGTERM"),
    };
    const others = {
      "cut connections": () => this.during(() => this.proxy.close(), () => this.proxy.open()),
      "half-open connections": () => this.during(() => this.proxy.poison("timeout", { timeout: 0 }), async () => {
        await this.proxy.close(); // the ends that were left open
        await this.proxy.open();
        await this.proxy.heal();
      }),
      "slow connections": () => this.during(() => this.proxy.poison("bandwidth", { rate: 20 }), () => this.proxy.heal()),
      "a receiver that fails": () => this.during(() => (this.receiver.respond = () => 500), () => (this.receiver.respond = () => 204)),
      "a receiver that hangs": () => this.during(() => (this.receiver.respond = () => {}), () => (this.receiver.respond = () => 204)),
      "a clock that jumps": async () => this.jump(this.jumped ? 0 : jumpSeconds),
      ...(this.disk && { "a full disk": () => this.during(() => this.disk.fill(), () => this.disk.free()) }),
    };
    for (let bag = []; performance.now() < this.end; ) {
      await sleep(this.between(calmMillis));
      const restarting = performance.now() < half;
      this.restarted ||= !restarting;
      if (!restarting) this.steady ??= this.samples.length;
      if (bag.length === 0) bag = Object.entries(restarting ? { ...restarts, ...others } : others);
      const [[name, fault]] = bag.splice(Math.floor(this.random() * bag.length), 1);
      if (!restarting && name in restarts) continue;
      this.fault = name;
      await fault();
      this.faults[name] = (this.faults[name] ?? 0) + 1;
      await this.goesOn();
    }
  }

  async during(begin, end) {
    await begin();
    await sleep(this.between(outageMillis));
    await end();
  }

  async restart(signal) {
    this.stopping = true;
    await this.door.stop(signal);
    await sleep(this.between([0, 1_000]));
    await this.door.start();
    this.stopping = false;
  }

  // goesOn fails unless each client goes on.
  async goesOn() {
    const goals = this.crews.map((crew) => crew.steps + 2);
    const late = () => this.crews.filter((crew, i) => crew.steps < goals[i]);
    await until(() => {
      this.alive();
      return late().length === 0;
    }, () => `after ${this.fault}, these go on: ${late().map((crew) => `${crew.name}: ${crew.failures.at(-1)}`).join("; ")}`, patienceMillis);
    for (const crew of this.crews) await crew.served?.(this.door.url);
  }

  alive() {
    for (const { broken } of this.crews) if (broken) throw broken;
    if (!this.stopping && this.door.process.exitCode !== null) throw new Error(`the server ended with ${this.door.process.exitCode}`);
  }

  // sample measures the server until the end, and says how it goes.
  async sample() {
    const every = Math.max(10, this.seconds / 20) * 1_000;
    const began = performance.now();
    for (let told = began; !this.over; await sleep(sampleMillis)) {
      const figures = await this.figures().catch(() => undefined); // it is down
      if (figures) this.samples.push(figures);
      if (performance.now() - told < every) continue;
      told = performance.now();
      this.say(`${Math.round((told - began) / 1_000)} s: ${this.steps()} steps, ${JSON.stringify(this.faults)}, ${describe(this.samples.at(-1))}`);
    }
  }

  async figures() {
    const proc = `/proc/${this.door.process.pid}`;
    const status = readFileSync(`${proc}/status`, "utf8");
    const number = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)[1]);
    const metrics = await (await fetch(`http://${this.metrics}/metrics`)).text();
    return {
      memory: number("VmRSS") << 10, threads: number("Threads"), goroutines: Number(/^go_goroutines (\d+)/m.exec(metrics)[1]),
      files: readdirSync(`${proc}/fd`).length, ...(this.disk && this.fault !== "a full disk" && { disk: this.disk.used() }),
    };
  }

  steps() {
    return this.crews.reduce((n, crew) => n + crew.steps, 0);
  }

  // check fails if something is lost, or if a figure has grown.
  async check() {
    await Promise.all(this.crews.map((crew) => crew.rest()));
    this.over = true;
    await this.sampling;
    this.jump(0);
    for (const crew of this.crews) await crew.check(this.door.url);
    await this.restart("SIGKILL");
    for (const crew of this.crews) await crew.check(this.door.url);
    await this.told();
    await this.restored();
    const samples = this.samples.slice(this.steady);
    const quarter = (n) => samples.slice(Math.floor((samples.length * (n - 1)) / 4), Math.floor((samples.length * n) / 4));
    const grown = {};
    for (const [name, { share, constant, unit }] of Object.entries(growth)) {
      const [before, after] = [quarter(2), quarter(4)].map((some) => median(some.map((sample) => sample[name]).filter((value) => value !== undefined)));
      if (before === undefined) continue;
      grown[name] = `${(before / unit).toFixed(0)} → ${(after / unit).toFixed(0)}`;
      assert.ok(after <= before * (1 + share) + constant, `${name} grew from ${before} to ${after}`);
    }
    return grown;
  }

  // told fails unless the receiver of webhooks knows the last stamp of the root and of each space.
  async told() {
    const client = new Client(this.door);
    const places = ["", ...Array.from({ length: spaces }, (_, i) => `space-${i}`)];
    const stamps = new Map();
    for (const space of places) stamps.set(space, await client.stamp({ space }));
    const knows = ([space, stamp]) => this.receiver.of("records.changed").some(({ data }) => (data.space ?? "") === space && data.stamp >= stamp);
    await until(async () => {
      await client.retry();
      return [...stamps].every(knows);
    }, () => `the receiver knows ${JSON.stringify([...stamps])}: ${JSON.stringify(this.receiver.events.slice(-20))}`, patienceMillis);
  }

  // restored fails unless the last backup is whole, and there was one.
  async restored() {
    const whole = readdirSync(this.backups).filter((name) => readdirSync(path.join(this.backups, name)).includes("manifest.json")).sort();
    assert.ok(whole.length > 0, "a backup was made");
    const { code, output } = await run("restore", "--from", path.join(this.backups, whole.at(-1)), "--data", path.join(this.backups, "restored"), "--wasm", "build/tidemark.wasm").done;
    assert.equal(code, 0, output);
  }

  async close() {
    this.over = true;
    this.disk?.free();
    for (const crew of this.crews ?? []) {
      crew.working = false;
      crew.provider?.destroy();
      crew.doc?.destroy();
    }
    await this.proxy.stop();
    await this.door.stop("SIGKILL");
    this.disk?.close();
    await this.door.close();
    await this.receiver.close();
    rmSync(this.backups, { recursive: true, force: true });
  }
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

const describe = (figures) => Object.entries(figures ?? {}).map(([name, value]) => `${name} ${(value / growth[name].unit).toFixed(0)}`).join(", ");

/** Soaks for so many seconds, and returns a summary. */
async function soak({ seconds, seed, say }) {
  const s = new Soak({ seconds, seed, say });
  try {
    await s.start();
    if (s.obstacle) say(`without a full disk: ${s.obstacle}`);
    await s.run();
    const grown = await s.check();
    const failures = s.crews.reduce((n, crew) => n + crew.failures.length, 0);
    return `${s.steps()} steps of ${s.crews.length} clients, of which ${failures} had to be tried again; faults ${JSON.stringify(s.faults)}; nothing is lost; second and last quarter: ${JSON.stringify(grown)}`;
  } catch (error) {
    say(`The log of the server:\n${s.door.log}`);
    throw error;
  } finally {
    await s.close();
  }
}

const units = { s: 1, m: 60, h: 3_600 };

const [, number, unit] = /^(\d+)([smh])$/.exec(process.env.SOAK ?? "10m") ?? assert.fail("SOAK is such as 90s, 10m or 1h");
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
console.log(`SEED=${seed}`);
console.log(await soak({ seconds: number * units[unit], seed, say: console.log }));
process.exit(0); // the clients have timers
