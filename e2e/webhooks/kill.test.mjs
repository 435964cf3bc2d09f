// kill -9 of the host and of the receiver while clients push, edit, and make and delete spaces: the receiver hears of
// everything that the host acknowledged, and of each object in order. WEBHOOK_ROUNDS is the number of rounds on
// each host, WEBHOOK_SEED the first seed.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { dice } from "../dice.mjs";
import { doors, freePort } from "../doors.mjs";
import { until } from "../until.mjs";
import { Client } from "./client.mjs";
import { variables, webhookSecret } from "./receiver.mjs";

const rounds = Number(process.env.WEBHOOK_ROUNDS ?? 1);
const firstSeed = Number(process.env.WEBHOOK_SEED ?? 1);
const killsOf = { wazero: 4, wrangler: 1 }; // a round
const script = fileURLToPath(new URL("receiving.mjs", import.meta.url));

// A Receiving is the process of the receiver.
class Receiving {
  constructor(port) {
    Object.assign(this, { port, url: `http://127.0.0.1:${port}/hook`, file: path.join(tmpdir(), `tidemark-receiver-${process.pid}-${port}`) });
    writeFileSync(this.file, "");
  }

  async start() {
    this.process = spawn(process.execPath, [script, String(this.port), webhookSecret, this.file], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => this.process.stdout.once("data", resolve));
  }

  async kill() {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGKILL");
    await ended;
  }

  // events returns the events in the order in which they came first. A kill may cut the last line short.
  events() {
    const lines = readFileSync(this.file, "utf8").split("\n").filter((line) => line.endsWith("}"));
    return [...new Map(lines.map((line) => JSON.parse(line)).map((event) => [event.id, event]).reverse()).values()].reverse();
  }
}

// A Ledger is what the host acknowledged: the last mark of each object of interest.
class Ledger {
  marks = new Map(); // "customers of acme" -> stamp
  spaces = new Map(); // name -> "created" or "deleted"

  note(what, mark) {
    this.marks.set(what, mark);
  }

  // missing returns what the receiver has not heard of.
  missing(events) {
    const heard = new Map();
    const spaces = new Map();
    for (const { type, data } of events) {
      const of = data.space ?? "";
      if (type === "records.changed") for (const table of data.tables) heard.set(`${table} of ${of}`, data.stamp);
      if (type === "document.changed") heard.set(`document ${data.room} of ${of}`, data.etag);
      if (type === "project.changed") heard.set(`project ${data.project} of ${of}`, data.timestamp);
      if (type === "space.created" || type === "space.deleted") spaces.set(data.space, type);
    }
    const last = (what, mark) => (typeof mark === "number" ? heard.get(what) >= mark : Boolean(heard.get(what)));
    return [
      ...[...this.marks].filter(([what, mark]) => !last(what, mark)).map(([what, mark]) => `${what}: ${heard.get(what)} of ${mark}`),
      ...[...this.spaces].filter(([name, type]) => spaces.get(name) !== type).map(([name, type]) => `${name}: ${type}`),
    ];
  }
}

// check fails if the events of an object came in another order than they happened.
function check(events) {
  const last = new Map();
  for (const { type, data } of events) {
    const mark = { "records.changed": data.stamp, "project.changed": data.timestamp, "document.changed": parseInt(String(data.etag).slice(1, -1), 36) }[type];
    if (mark === undefined) continue;
    const what = [type, data.space, data.room, data.project].join();
    assert.ok(mark >= (last.get(what) ?? 0), `${what}: ${mark} after ${last.get(what)}`);
    last.set(what, mark);
  }
}

async function round(door, receiving, seed) {
  const random = dice(seed);
  const ledger = new Ledger();
  const client = new Client(door);
  let stopped = false;
  // write does things until the connection is lost: the host did not acknowledge the last one.
  const write = async (n) => {
    for (let i = 0; !stopped; i++) {
      const space = random() < 0.5 ? "" : `team-${seed}-${Math.floor(random() * 3)}`;
      try {
        switch (Math.floor(random() * 4)) {
          case 0:
            ledger.note(`customers of ${space}`, await client.push(`${seed}-${n}-${i}`, { space }));
            if (space) ledger.spaces.set(space, "space.created");
            break;
          case 1:
            ledger.note(`document doc-${seed}-${n} of ${space}`, await client.edit(`doc-${seed}-${n}`, { space }));
            if (space) ledger.spaces.set(space, "space.created");
            break;
          case 2:
            ledger.note(`project ${await client.project({ space })} of ${space}`, 1);
            if (space) ledger.spaces.set(space, "space.created");
            break;
          case 3: {
            const doomed = `doomed-${seed}-${n}-${i}`;
            await client.push("a", { space: doomed });
            ledger.spaces.delete(doomed); // a deletion that is cut off goes on, or does not
            await client.deleteSpace(doomed);
            ledger.spaces.set(doomed, "space.deleted");
          }
        }
      } catch (error) {
        if (error.code === "ERR_ASSERTION" && !/: 50[03] /.test(error.message)) throw error;
        await sleep(50);
      }
    }
  };
  const writers = [0, 1, 2].map(write);
  for (let kill = 0; kill < killsOf[door.name]; kill++) {
    await sleep(300 + random() * 1_500);
    const host = random() < 0.6 || killsOf[door.name] === 1;
    const receiver = random() < 0.6;
    await Promise.all([host && door.stop("SIGKILL"), receiver && receiving.kill()]);
    if (host) await door.start();
    if (receiver) await receiving.start();
  }
  stopped = true;
  await Promise.all(writers);
  let missing;
  await until(async () => {
    await client.retry().catch(() => {});
    await sleep(200);
    return (missing = ledger.missing(receiving.events())).length === 0;
  }, () => `the receiver hears of ${missing}; ${door.log}`, 120_000);
  check(receiving.events().filter(({ data }) => JSON.stringify(data).includes(`-${seed}-`) || !data.space));
  return { events: receiving.events().length, acknowledged: ledger.marks.size, spaces: ledger.spaces.size };
}

for (const [name, open] of Object.entries(doors)) {
  describe(`on ${name}`, { timeout: 3_000_000 }, () => {
    let receiving, door;
    before(async () => {
      receiving = new Receiving(await freePort());
      await receiving.start();
      door = open({ ...variables(receiving), LIMIT_REQUESTS_PER_MINUTE: "1000000" });
      await door.start();
    });
    after(async () => {
      await door.close();
      await receiving.kill();
      rmSync(receiving.file);
    });
    for (let i = 0; i < rounds; i++) {
      const seed = firstSeed + i;
      test(`W3 seed ${seed}: the receiver hears of everything, whoever is killed`, async (t) => {
        t.diagnostic(JSON.stringify(await round(door, receiving, seed)));
      });
    }
  });
}
