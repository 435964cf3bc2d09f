// Two self-hosted servers behind a proxy that knows the space of a request only by its path, with
// the configurations of docs/spaces.md and real clients.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import * as Y from "yjs";
import { Client } from "../clients/watermelon.mjs";
import { root, token, wazero } from "../doors.mjs";
import { until } from "../until.mjs";
import { HAProxy, Nginx, configuration, program } from "./proxies.mjs";
import { Team, scope } from "./team.mjs";

const rights = "spaces:admin sync:admin";
const operator = token("operator", { scope: rights, spaces: { "": rights, "*": rights } });

// spacesOf returns the names of a machine's spaces.
async function spacesOf(machine) {
  const response = await fetch(`${machine.url}/spaces?limit=1000`, { headers: { authorization: `Bearer ${operator}` } });
  assert.equal(response.status, 200);
  return (await response.json()).spaces.map((space) => space.name);
}

const run = promisify(execFile);
const nothing = { rows: [], words: [] };

test("docs/spaces.md shows the configurations as they are", () => {
  const guide = readFileSync(path.join(root, "docs/spaces.md"), "utf8");
  for (const file of ["haproxy.cfg", "nginx.conf"]) assert.ok(guide.includes(`\n\`\`\`text\n${configuration(file)}\`\`\`\n`), `docs/spaces.md does not show ${file}`);
});

const missing = ["haproxy", "nginx"].filter((name) => !program(name));

describe("two machines", { timeout: 600_000, skip: missing.length > 0 && `needs ${missing.join(" and ")}: sh e2e/machines/proxies.sh` }, () => {
  const machines = [wazero(), wazero()];
  const [one, two] = machines;
  const haproxy = new HAProxy("haproxy");
  const nginx = new Nginx("nginx", { parked: "moving", stray: "two" });
  let teams;
  before(async () => {
    await Promise.all(machines.map((m) => m.start()));
    await Promise.all([haproxy.start(machines), nginx.start(machines)]);
    teams = Array.from({ length: 6 }, (_, i) => new Team(haproxy.url, `team-${i}`));
    await Promise.all(teams.map((team) => team.step()));
  });
  after(async () => {
    await Promise.all(teams.map((team) => team.close()));
    await Promise.all([...machines, haproxy, nginx].map((part) => part.close()));
  });

  // teamsOn returns the teams whose spaces a machine has.
  const teamsOn = async (machine) => {
    const names = await spacesOf(machine);
    return teams.filter((team) => names.includes(team.space));
  };
  // advance returns when each team has done n more steps.
  const advance = async (some, n) => {
    const goals = some.map((team) => team.acknowledged.length + n);
    await until(() => some.every((team, i) => team.acknowledged.length >= goals[i]), () => some.map((t) => `${t.space}: ${t.failures.at(-1)}`).join());
  };
  const saved = (some) => until(async () => (await Promise.all(some.map((t) => t.lost()))).every(({ words }) => words.length === 0), "the documents are stored");
  const quiet = (some) => assert.deepEqual(some.flatMap((t) => [...t.failures, ...t.closes]), [], "a client of another space saw an error");

  test("each space is on one machine, both machines have some, and the root is on the first", async () => {
    const [first, second] = await Promise.all(machines.map(spacesOf));
    assert.deepEqual([...first, ...second].sort(), teams.map((team) => team.space).sort());
    assert.ok(first.length > 0 && second.length > 0, `${first.length} and ${second.length} spaces`);
    const root = new Client(haproxy.url, token("ann"));
    await root.create("customers", { id: "of-the-root" });
    await root.sync();
    const readers = machines.map((m) => new Client(m.url, token("ann")));
    await Promise.all(readers.map((reader) => reader.sync()));
    const [ofOne, ofTwo] = await Promise.all(readers.map((reader) => reader.rows("customers")));
    assert.deepEqual([ofOne.map((row) => row.id), ofTwo], [["of-the-root"], []]);
  });

  test("nginx spreads spaces in the same way, passes WebSockets, and answers 503 for a space that moves", async () => {
    const some = Array.from({ length: 6 }, (_, i) => new Team(nginx.url, `crew-${i}`));
    try {
      await Promise.all(some.map((team) => team.step()));
      await until(async () => (await Promise.all(some.map((t) => t.lost()))).every(({ words }) => words.length === 0), "the documents are stored");
      const ask = (space, path = "/sync/checksum", body) => {
        const headers = { authorization: `Bearer ${token("ann", { spaces: { [space]: scope } })}`, "content-type": "application/json" };
        return fetch(`${nginx.url}/s/${space}${path}`, { headers, method: body ? "POST" : "GET", body });
      };
      // nginx hashes the machines' ports, which are others each time: a few spaces may all be on one machine.
      const names = Array.from({ length: 40 }, (_, i) => `crew-of-one-${i}`);
      const push = JSON.stringify({ lastPulledAt: 1, changes: { customers: { created: [{ id: "a" }], updated: [], deleted: [] } } });
      for (const name of names) assert.equal((await ask(name, "/trpc/sync.push", push)).status, 200);
      const [first, second] = (await Promise.all(machines.map(spacesOf))).map((names) => names.filter((name) => name.startsWith("crew-")));
      assert.deepEqual([...first, ...second].sort(), [...some.map((team) => team.space), ...names].sort());
      assert.ok(first.length > 0 && second.length > 0, `${first.length} and ${second.length} spaces`);
      quiet(some);
      const refused = await ask("parked");
      assert.deepEqual([refused.status, refused.headers.get("retry-after"), (await refused.json()).error.code], [503, "5", "SERVICE_UNAVAILABLE"]);
      assert.equal((await ask("stray")).status, 200);
    } finally {
      await Promise.all(some.map((team) => team.close()));
    }
  });

  const command = (machine, ...args) =>
    run(process.env.TIDEMARK_SERVER ?? path.join(machine.dir, "tidemark"), args.toSpliced(args[0] === "spaces" ? 2 : 1, 0, "--url", machine.url, "--token", operator));

  test("S13 a paused space loses nothing that was acknowledged, its clients go on afterwards, and others see no error", async () => {
    const [paused] = await teamsOn(one);
    const others = teams.filter((team) => team !== paused);
    for (const team of teams) team.work();
    await advance(teams, 3);
    await command(one, "spaces", "pause", paused.space);
    const { acknowledged: { length } } = paused;
    await assert.rejects(paused.stored(one.url), /paused/);
    await until(() => paused.failures.length > 0 && paused.closes.length > 1, "the clients see the pause");
    await advance(others, 5);
    assert.ok(paused.acknowledged.length <= length + 1, "a paused space acknowledged rows");
    assert.equal(paused.closes[0], 4500);
    assert.ok(paused.failures.every((failure) => failure.includes("paused")), paused.failures.join());
    await command(one, "spaces", "resume", paused.space);
    await advance(teams, 3);
    await Promise.all(teams.map((team) => team.rest()));
    await saved(teams);
    for (const team of teams) assert.deepEqual(await team.lost(), nothing, team.space);
    quiet(others);
    paused.forget();
  });

  test("a space that moves under load loses nothing that was acknowledged, and the clients of others see no error", async () => {
    const [moved] = await teamsOn(one);
    const others = teams.filter((team) => team !== moved);
    const file = path.join(haproxy.dir, "export");
    for (const team of teams) team.work();
    await advance(teams, 3);
    const memo = (url, options) => fetch(`${url}/s/${moved.space}/yjs/memo${options ? "" : "?format=text&name=note"}`,
      { ...options, headers: { authorization: `Bearer ${moved.token}` } });
    const edit = new Y.Doc(); // of somebody who leaves when the server has it
    edit.getText("note").insert(0, "the last word");
    assert.ok((await memo(one.url, { method: "POST", body: Y.encodeStateAsUpdate(edit) })).ok);
    await command(one, "spaces", "pause", moved.space);
    await command(one, "export", "--space", moved.space, "-o", file);
    await command(two, "import", "--space", moved.space, file);
    haproxy.place({ [moved.space]: "two" });
    await haproxy.command(`add map ${path.join(haproxy.dir, "spaces.map")} ${moved.space} two`);
    await advance(teams, 5);
    await command(one, "spaces", "delete", moved.space);
    await advance(teams, 3);
    await Promise.all(teams.map((team) => team.rest()));
    await saved(teams);
    for (const team of teams) assert.deepEqual(await team.lost(), nothing, team.space);
    assert.deepEqual(await moved.lost(two.url), nothing);
    assert.equal(await (await memo(two.url)).text(), "the last word");
    assert.ok(!(await spacesOf(one)).includes(moved.space), "the old machine has the space again");
    quiet(others);
    assert.ok(moved.closes.every((code) => code === 4500 || code === 4503), moved.closes.join());
    moved.forget();
  });

  test("kill -9 of a machine takes its spaces away and no others, and nothing acknowledged is lost", async () => {
    const [here, away] = await Promise.all([teamsOn(one), teamsOn(two)]);
    await saved(teams);
    for (const team of teams) team.work();
    await advance(teams, 3);
    await two.stop("SIGKILL");
    const acknowledged = away.map((team) => team.acknowledged.length);
    await advance(here, 10);
    await until(() => away.every((team) => team.failures.length > 0 && team.closes.length > 0), "the clients of the dead machine see that it is away");
    for (const [i, team] of away.entries()) assert.ok(team.acknowledged.length <= acknowledged[i] + 1, "a dead machine acknowledged rows");
    assert.deepEqual((await spacesOf(one)).filter((name) => away.some((team) => team.space === name)), [], "the other machine took a space over");
    const refused = await fetch(`${haproxy.url}/s/${away[0].space}/sync/checksum`, { headers: { authorization: `Bearer ${away[0].token}` } });
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "5"]);
    assert.equal((await refused.json()).error.code, "SERVICE_UNAVAILABLE");
    await two.start();
    await advance(teams, 3);
    await Promise.all(teams.map((team) => team.rest()));
    await saved(teams);
    for (const team of teams) assert.deepEqual(await team.lost(), nothing, team.space);
    quiet(here);
  });
});
