// Clients that send or read slowly hold many connections of the self-hosted server. Meanwhile it serves the
// others, and afterwards it has closed them. SLOW_SECONDS is how long each attack takes.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { stripVTControlCharacters } from "node:util";
import { root, wazero } from "../doors.mjs";
import { program } from "../machines/proxies.mjs";
import { Team } from "../machines/team.mjs";
import { until } from "../until.mjs";

const seconds = Number(process.env.SLOW_SECONDS ?? 12);
const connections = 400;
const mostMemory = 256 << 20; // what so many connections may add
const asset = readdirSync(path.join(root, "web/dist/assets")).find((name) => name.startsWith("RichText"));

const attacks = {
  "slow headers": ["-H", "-i", "2", "-x", "24", "-u", "/healthz"],
  "slow bodies": ["-B", "-i", "2", "-x", "10", "-s", "60000", "-t", "POST", "-f", "application/json", "-u", "/dev/login"],
  "slow reads": ["-X", "-w", "10", "-y", "20", "-z", "32", "-n", "5", "-k", "3", "-u", `/assets/${asset}`],
};

describe("slow clients", { timeout: 900_000, skip: !program("slowhttptest") && "needs slowhttptest: sh e2e/slow/slowhttptest.sh" }, () => {
  const door = wazero();
  door.dev = true;
  let team;
  before(async () => {
    await door.start();
    team = new Team(door.url, "");
    await team.step();
  });
  after(async () => {
    await team?.close();
    await door.close();
  });

  const files = () => readdirSync(`/proc/${door.process.pid}/fd`).length;
  const memory = () => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${door.process.pid}/status`, "utf8"))[1]) << 10;

  for (const [name, options] of Object.entries(attacks)) {
    test(`${name}: the server stays available`, async (t) => {
      const before = { files: files(), memory: memory(), steps: team.acknowledged.length };
      let most = { files: 0, memory: 0 };
      let over = false;
      const url = options.map((option) => (option.startsWith("/") ? door.url + option : option));
      const attack = spawn("slowhttptest", ["-c", String(connections), "-r", "200", "-l", String(seconds), "-p", "5", "-v", "1", ...url], { cwd: door.dir });
      const output = text(attack.stdout);
      const end = once(attack, "exit").then(() => (over = true));
      team.forget();
      team.work();
      let asked = 0;
      while (!over) {
        for (const path of ["/healthz", "/readyz", "/"]) {
          const { status } = await fetch(door.url + path);
          assert.equal(status, 200, `${path}, request ${asked} of another client`);
          asked++;
        }
        most = { files: Math.max(most.files, files()), memory: Math.max(most.memory, memory()) };
      }
      await end;
      await team.rest();
      const said = stripVTControlCharacters(await output).match(/service available: +(YES|NO)/g).map((line) => line.split(" ").at(-1));
      assert.deepEqual([...new Set(said)], ["YES"], "slowhttptest: is the service available?");
      assert.deepEqual([...team.failures, ...team.closes], [], "a good client saw an error");
      assert.ok(team.acknowledged.length > before.steps, "a good client pushed nothing");
      assert.ok(most.files >= before.files + connections / 2, `only ${most.files - before.files} connections at a time: the attack was none`);
      assert.ok(most.memory < before.memory + mostMemory, `the server took ${most.memory >> 20} MB, and ${before.memory >> 20} MB before`);
      await until(() => files() < before.files + 20, () => `the connections are closed: ${files()} files, ${before.files} before`);
      t.diagnostic(`${most.files - before.files} connections at a time, ${(most.memory - before.memory) >> 20} MB more, ${asked} other requests`);
    });
  }
});
