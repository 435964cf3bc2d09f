// The disk of the self-hosted server gets full under the load of real clients, and gets space again.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { Client } from "../clients/watermelon.mjs";
import { token, wazero } from "../doors.mjs";
import { Team } from "../machines/team.mjs";
import { until } from "../until.mjs";
import { Disk, obstacle } from "./disk.mjs";

const needs = obstacle();
const nothing = { rows: [], words: [] };

describe("a full disk", { timeout: 600_000, skip: needs || false }, () => {
  const door = wazero({ YJS_COPY_MILLIS: "500" });
  const { command } = door;
  door.command = (door) => [...command(door), "--open-files", "2"]; // so that the server opens and closes files all the time
  let disk, teams;
  before(async () => {
    disk = new Disk(door.dir, 64);
    await door.start();
    teams = ["", "one", "two", "three"].map((space) => new Team(door.url, space)); // "" is the root
  });
  after(async () => {
    disk?.free();
    await Promise.all((teams ?? []).map((team) => team.close()));
    await door.stop("SIGKILL");
    disk?.close();
    await door.close();
  });

  const ask = async (path) => {
    const response = await fetch(door.url + path);
    return { status: response.status, body: await response.json() };
  };
  const advance = async (n) => {
    const goals = teams.map((team) => team.acknowledged.length + n);
    await until(() => teams.every((team, i) => team.acknowledged.length >= goals[i]), () => teams.map((t) => `${t.space}: ${t.failures.at(-1)}`).join());
  };
  const saved = () => until(async () => (await Promise.all(teams.map((t) => t.lost()))).every(({ words }) => words.length === 0), "the documents are stored");

  test("F3 the server says so, and goes on without a restart when there is space again; nothing is lost", async (t) => {
    const { pid } = door.process;
    const [, ...spaces] = teams;
    const client = new Client(door.url, token("ann"));
    const large = async () => {
      await client.create("customers", { notes: "x".repeat(800_000) });
      await client.sync();
    };
    for (const team of teams) team.work();
    await advance(3);
    assert.deepEqual(await ask("/readyz"), { status: 200, body: { status: "ready" } });
    for (const round of [1, 2]) {
      for (const team of teams) team.forget();
      disk.fill();
      // The log of the root's database may have place for many more small rows, as SQLite uses it again.
      await until(() => large().then(() => false, (error) => /disk is full/.test(error.message)), "a large row of the root is refused");
      await until(() => spaces.every((team) => team.failures.some((f) => f.includes("disk is full"))), () => `each space says so: ${spaces.map((team) => team.failures.at(-1))}`);
      for (const team of teams) team.write(`${team.space}-on-a-full-disk-${round}`);
      await until(() => teams.every((team) => team.closes.length > 0), "an edit that is not stored ends its socket");
      let body;
      await until(async () => ({ body } = await ask("/readyz")).status === 503, "it is not ready"); // it remembers its answer for a second
      assert.equal(body.status, "unready");
      assert.ok(body.failures.some(({ folder, error }) => folder === "do" && error === "disk full"), JSON.stringify(body));
      assert.equal((await ask("/healthz")).status, 200);
      for (const team of teams) assert.ok(team.failures.every((f) => f.includes("disk is full")), team.failures.join("\n"));
      for (const code of teams.flatMap((team) => team.closes)) assert.ok(code >= 4500 || code === 1013 || code === 1006, `closed with ${code}`);
      await Promise.all(teams.map((team) => team.stored())); // reading goes on
      const refused = teams.reduce((n, team) => n + team.failures.length, 0);
      await until(() => teams.reduce((n, team) => n + team.failures.length, 0) > refused + 20, "the clients try again");
      disk.free();
      await advance(3);
      await large();
      await until(async () => (await ask("/readyz")).status === 200, "it is ready");
      t.diagnostic(`round ${round}: ${teams.map((team) => `${team.failures.length} refusals, closes ${[...new Set(team.closes)]}`).join("; ")}`);
    }
    await Promise.all(teams.map((team) => team.rest()));
    await saved();
    for (const team of teams) assert.deepEqual(await team.lost(), nothing, team.space);
    assert.equal(door.process.pid, pid);
    assert.equal(door.process.exitCode, null);
    const lines = door.log.split("\n").filter((line) => /disk is full/.test(line));
    assert.ok(lines.length <= 20, `${lines.length} lines of the log say that the disk is full`);
  });

  test("and after kill -9 all of it is there, though the server starts on a full disk", async () => {
    disk.fill();
    await door.stop("SIGKILL");
    await door.start();
    disk.free();
    for (const team of teams) assert.deepEqual(await team.lost(), nothing, team.space);
    assert.equal((await fetch(`${door.url}/sync/checksum`, { headers: { authorization: `Bearer ${token("ann")}` } })).status, 200);
  });
});
