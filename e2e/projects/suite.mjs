// Real WatermelonDB clients of projects: a first sync in pages, deltas, tombstones,
// conflicts, and one database for each project.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { root, token as tokenOf } from "../doors.mjs";
import { Client, tables } from "./client.mjs";

const { synchronize } = createRequire(import.meta.url)("@nozbe/watermelondb/sync");

const [, code] = /## An offline copy[^]*?```js\n([^]*?)```/.exec(readFileSync(path.join(root, "docs/guide-projects.md"), "utf8"));
const AsyncFunction = (async () => {}).constructor;
const snippet = new AsyncFunction("synchronize", "database", "url", "project", "headers", code);

// online is the project as the server has it, in the form of a copy.
async function online(client) {
  const page = await client.ask("GET", "sync/?since=0&page_size=5000");
  return Object.fromEntries(tables.map((name) => [name, page.changes[name].updated.sort((a, b) => (a.id < b.id ? -1 : 1))]));
}

// sorted lets rows be compared whose columns are in another order.
const sorted = (copy) => JSON.parse(JSON.stringify(copy), (_, v) =>
  v && typeof v === "object" && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort()) : v);

// projects are the tests of the server behind a door, which open makes, in the root or in a space.
export function projects(name, open, space = "") {
  const token = (sub) => tokenOf(sub, space && { spaces: [space] });
  describe(`projects on ${name}${space && " in a space"}`, { timeout: 1_200_000 }, () => {
    const door = open();
    let url;
    before(async () => {
      await door.start();
      url = door.url + (space && `/s/${space}`);
    });
    after(() => door.close());

    // project makes one of the owner's, with members by role.
    async function project(members = {}) {
      const id = randomUUID();
      const headers = { authorization: `Bearer ${token("owner")}`, "content-type": "application/json" };
      const made = await fetch(`${url}/api/v1/projects/`, { method: "POST", headers, body: JSON.stringify({ id, name: `Project ${id}` }) });
      assert.equal(made.status, 201);
      const owner = new Client(url, token("owner"), id);
      const memberships = {};
      for (const [user, role] of Object.entries(members)) {
        memberships[user] = (await owner.ask("POST", "memberships/", { user_id: user, role })).id;
      }
      return { id, owner, memberships, client: (user, options) => new Client(url, token(user), id, options) };
    }

    async function equal(...clients) {
      const want = sorted(await online(clients[0]));
      for (const c of clients) assert.deepEqual(sorted(await c.everything()), want);
    }

    test("a first sync in pages brings what one page does, and a delta what changed", async () => {
      const p = await project({ viewer: "Viewer", member: "Member" });
      const tasks = [];
      for (let i = 0; i < 12; i++) tasks.push((await p.owner.ask("POST", "tasks/", { name: `T${i}`, is_milestone: i % 2 === 0, sort_order: i / 4 })).id);
      await p.owner.ask("POST", "dependencies/", { predecessor_id: tasks[0], successor_id: tasks[1], lag_days: 1.5 });
      await p.owner.ask("POST", "calendars/", { name: "C", working_days: [1, 2, 3], exceptions: ["2026-12-25"] });

      const whole = p.client("viewer");
      const paged = p.client("viewer", { pageSize: 4 });
      await whole.sync();
      await paged.sync();
      assert.equal(whole.pages, 1);
      assert.ok(paged.pages > 4, `${paged.pages} pages`);
      await equal(whole, paged);
      const [calendar] = await whole.rows("calendars");
      assert.deepEqual(JSON.parse(calendar.working_days), [1, 2, 3]);

      await p.owner.ask("PATCH", `tasks/${tasks[5]}/`, { name: "renamed", percent_complete: 40 });
      await whole.sync();
      await paged.sync();
      await equal(whole, paged);
      assert.equal((await whole.rows("tasks")).find((t) => t.id === tasks[5]).server_version, 2);
    });

    test("what is written between two pages arrives with the next pull", async () => {
      const p = await project({ viewer: "Viewer" });
      for (let i = 0; i < 6; i++) await p.owner.ask("POST", "tasks/", { name: `T${i}` });
      const reader = p.client("viewer", { pageSize: 2 });
      let writes = 0;
      reader.betweenPages = async () => {
        if (writes++ < 3) {
          await p.owner.ask("POST", "tasks/", { name: `late ${writes}` });
          await p.owner.ask("PATCH", "", { name: `renamed ${writes}` });
        }
      };
      await reader.sync();
      await reader.sync();
      await equal(reader);
    });

    test("clients upload what they made, changed and deleted, with WatermelonDB's own ids", async () => {
      const p = await project({ scheduler: "Scheduler", member: "Member" });
      const a = p.client("scheduler");
      const b = p.client("member");
      await a.sync();
      await b.sync();
      const made = await a.create("tasks", { name: "made offline", status: "not_started", is_milestone: true });
      const child = await a.create("tasks", { name: "child", status: "not_started", parent_id: made.id });
      await a.sync();
      assert.deepEqual(a.uploaded.applied.tasks.created.map((r) => r.id).sort(), [made.id, child.id].sort());
      await b.sync();
      await a.sync();
      await equal(a, b);

      // Both change other columns of one row: they merge.
      await a.update("tasks", made.id, { percent_complete: 50 });
      await b.update("tasks", made.id, { notes: "from b" });
      await a.sync();
      await b.sync();
      await a.sync();
      await b.sync(); // what it uploaded has a new server_version
      await equal(a, b);
      const row = (await a.rows("tasks")).find((t) => t.id === made.id);
      assert.deepEqual([row.percent_complete, row.notes], [50, "from b"]);

      await a.remove("tasks", made.id); // takes its child along
      await a.sync();
      await b.sync();
      await a.sync();
      await equal(a, b);
      assert.deepEqual(await b.rows("tasks"), []);
    });

    test("a role too low is told, and writes nothing", async () => {
      const p = await project({ member: "Member", viewer: "Viewer" });
      const { id } = await p.owner.ask("POST", "tasks/", { name: "T", assignee_id: "owner" });
      const member = p.client("member");
      await member.sync();
      await member.update("tasks", id, { name: "mine" });
      await assert.rejects(member.sync(), { code: "role_too_low", status: 403 });
      assert.equal((await p.owner.ask("GET", `tasks/${id}/`)).name, "T");
    });

    test("tombstones come together, and a deleted project empties its copies", async () => {
      const p = await project({ viewer: "Viewer" });
      const task = async (fields) => (await p.owner.ask("POST", "tasks/", fields)).id;
      const a = await task({ name: "A" });
      const b = await task({ name: "B", parent_id: a });
      const c = await task({ name: "C" });
      await p.owner.ask("POST", "dependencies/", { predecessor_id: b, successor_id: c });
      const viewer = p.client("viewer");
      await viewer.sync();
      await p.owner.ask("DELETE", `tasks/${a}/`);
      await viewer.sync();
      await equal(viewer);
      assert.deepEqual([(await viewer.rows("tasks")).map((t) => t.id), await viewer.rows("dependencies")], [[c], []]);
      await p.owner.ask("DELETE", "");
      await viewer.sync();
      for (const name of tables) assert.deepEqual(await viewer.rows(name), [], name);
    });

    test("a removed member is told, and pulls a last time", async () => {
      const p = await project({ leaver: "Member" });
      const { id } = await p.owner.ask("POST", "tasks/", { name: "T" });
      const leaver = p.client("leaver");
      await leaver.sync();
      await p.owner.ask("DELETE", `memberships/${p.memberships.leaver}/`);
      await assert.rejects(leaver.sync(), { code: "membership_revoked", status: 403 });
      const last = await leaver.ask("GET", "sync/?since=0&final=1");
      assert.deepEqual(last.changes.tasks.deleted, [id]);
    });

    test("each project has a database and a mark of its own", async () => {
      const [p, q] = [await project({ viewer: "Viewer" }), await project({ viewer: "Viewer" })];
      for (let i = 0; i < 20; i++) await p.owner.ask("PATCH", "", { name: `busy ${i}` });
      const [a, b] = [p.client("viewer"), q.client("viewer")];
      await a.sync();
      await b.sync();
      await q.owner.ask("POST", "tasks/", { name: "in the quiet one" });
      await a.sync();
      await b.sync();
      await equal(a);
      await equal(b);
      assert.equal((await b.rows("tasks")).length, 1);
      // One lastPulledAt for both would have asked the quiet project for what
      // is newer than the busy one's mark, which it does not know.
      const busy = (await p.owner.ask("GET", "sync/?since=0")).timestamp;
      await assert.rejects(b.ask("GET", `sync/?since=${busy}`), { code: "since_ahead", status: 400 });
    });

    test("the guide's snippet uploads, and keeps what is refused", async () => {
      const p = await project({ member: "Member", viewer: "Viewer" });
      const { id } = await p.owner.ask("POST", "tasks/", { name: "T" });
      const sync = ({ database, token }) =>
        snippet(synchronize, database, url, p.id, { authorization: `Bearer ${token}`, "content-type": "application/json" });
      const rename = ({ database }, name) => database.write(async () => {
        await (await database.get("tasks").find(id)).update((task) => task._setRaw("name", name));
      });
      const [member, viewer] = [p.client("member"), p.client("viewer")];
      for (const c of [member, viewer]) await sync(c);
      await rename(member, "by a member");
      await sync(member);
      assert.equal((await p.owner.ask("GET", `tasks/${id}/`)).name, "by a member");
      await rename(viewer, "by a viewer");
      await assert.rejects(sync(viewer), /role_too_low/);
      assert.equal((await viewer.database.get("tasks").find(id))._raw._status, "updated");
    });
  });
}
