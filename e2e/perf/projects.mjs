// Projects beside the plain TypeScript worker of peer/projects.ts.
import { deepEqual, equal } from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { scratch } from "../workerd/host.mjs";
import { compare, loaded } from "./measure.mjs";
import { over } from "./results.mjs";
import { jwt, load, onWazero, onWorkerd, projectsPeer } from "./targets.mjs";

const headers = { authorization: `Bearer ${jwt}`, "content-type": "application/json" };
const many = (n, row) => Array.from({ length: n }, (_, i) => row(i));

// Two projects of 10,000 tasks and 15,000 dependencies. Pulls read one, and uploads change
// the other.
const pulled = "00000000-0000-4000-9000-000000000001";
const uploaded = "00000000-0000-4000-9000-000000000002";
const prefix = { [pulled]: "a", [uploaded]: "b" };
const taskID = (project, i) => `${prefix[project]}0000000-0000-4000-8000-${String(i).padStart(12, "0")}`;
const syncPath = (project) => `/api/v1/projects/${project}/sync/`;

const task = (project, i) => ({
  id: taskID(project, i), name: `Task number ${i}`, description: "What is to be done, in a sentence or two", status: "in_progress",
  percent_complete: i % 101, planned_start: "2026-03-01", duration_days: 5, is_milestone: false, sort_order: i, notes: null,
});

const batchOf = (n) => `00000000-0000-4000-a000-${String(n).padStart(12, "0")}`;
const uploadOf = (batch, created, updated) =>
  JSON.stringify({ client_batch_id: batch, last_pulled_at: null, changes: { tasks: { created, updated, deleted: [] } } });

async function ask(target, url, options = {}) {
  const response = await fetch(target.url + url, { headers, ...options });
  const answer = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
}

const post = (target, url, body) => ask(target, url, { method: "POST", body });

// dependencies is SQL: it links each of 7,500 tasks to the next and the one after.
const dependencies = (project) => [
  `INSERT INTO ProjectDependencies (id, project_id, predecessor_id, successor_id, type, lag_days, server_version, seq, created_seq)
   WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 14999)
   SELECT printf('${prefix[project]}0000000-0000-4000-8001-%012d', i), '${project}', printf('${taskID(project, 0).slice(0, 24)}%012d', 1 + i % 7500),
     printf('${taskID(project, 0).slice(0, 24)}%012d', 2 + i % 7500 + i / 7500), 'FS', 0, 1, s.seq + 1 + i, s.seq + 1 + i
   FROM n, ProjectSequences s WHERE s.project_id = '${project}'`,
  `UPDATE ProjectSequences SET seq = seq + 15000 WHERE project_id = '${project}'`,
];

// The peer has no route for it.
const emptyProject = (project) => [
  `INSERT INTO ProjectSequences VALUES ('${project}', 1, '')`,
  `INSERT INTO Projects (id, project_id, name, status, archived, server_version, seq, created_seq) VALUES ('${project}', '${project}', 'Bench', 'active', 0, 1, 1, 1)`,
  `INSERT INTO ProjectMemberships (id, project_id, user_id, role, server_version, seq, created_seq) VALUES ('m-${project}', '${project}', 'bench', 'Owner', 1, 1, 1)`,
];

// run runs SQL in the target's database.
async function run(target, statements) {
  if (target.mf) {
    const db = await target.mf.getD1Database("DB");
    await db.batch(statements.map((sql) => db.prepare(sql)));
    return;
  }
  const { door } = target;
  await door.stop();
  const dir = path.join(door.dir, "d1");
  const [file, ...others] = readdirSync(dir).filter((name) => name.endsWith(".sqlite"));
  equal(others.length, 0);
  const db = new DatabaseSync(path.join(dir, file));
  db.exec(`BEGIN; ${statements.join(";\n")}; COMMIT`);
  db.close();
  await door.start();
}

export async function seed(target, isPeer) {
  for (const project of [pulled, uploaded]) {
    if (isPeer) await run(target, emptyProject(project));
    else await post(target, "/api/v1/projects/", JSON.stringify({ id: project, name: "Bench" }));
    for (let k = 0; k < 20; k++) {
      await post(target, syncPath(project), uploadOf(batchOf(k), many(500, (i) => task(project, 500 * k + i + 1)), []));
    }
  }
  await run(target, [...dependencies(pulled), ...dependencies(uploaded)]);
  target.before = (await ask(target, `${syncPath(pulled)}?page_size=1`)).timestamp;
  const ten = many(10, (i) => ({ id: taskID(pulled, i + 1), percent_complete: 100 }));
  await post(target, syncPath(pulled), uploadOf(batchOf(100), [], ten));
  await walk(target);
}

// walk pulls everything, and returns the paths and contents of the pages.
async function walk(target) {
  target.pages = [];
  target.tasks = [];
  target.dependencies = [];
  for (let cursor = ""; cursor !== null; ) {
    const page = `${syncPath(pulled)}?since=0&page_size=5000${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    target.pages.push(page);
    const { changes, next_cursor } = await ask(target, page);
    target.tasks.push(...changes.tasks.updated);
    target.dependencies.push(...changes.dependencies.updated);
    cursor = next_cursor;
  }
  target.delta = `${syncPath(pulled)}?since=${target.before}&page_size=5000`;
  equal((await ask(target, target.delta)).changes.tasks.updated.length, 10);
}

// sameRows compares row by row: the message of deepEqual about long arrays would take all
// memory.
function sameRows(rows, wanted, count) {
  equal(rows.length, count);
  rows.forEach((row, i) => deepEqual(row, wanted[i]));
}

// requests are [name, path, options of load, each of a target]. The upload is last: it changes what
// is pulled. Half of an upload is new tasks, half edits of known ones.
export function requests() {
  const body = path.join(scratch("bench"), "upload.json");
  const created = many(250, (i) => ({ ...task(uploaded, i), id: `t@@@@@@@@@@@@@-${i}` }));
  const updated = many(250, (i) => ({ id: taskID(uploaded, 40 * i + 1), name: "Task @@@@@@@@@@@@@", percent_complete: i % 101 }));
  writeFileSync(body, uploadOf("00000000-0000-4000-8000-############", created, updated));
  return [
    ["cold pull, whole", (t) => t.pages[0], (t) => ({ seconds: 2, then: t.pages.slice(1) })],
    ["cold pull, first page of 5,000", (t) => t.pages[0], () => ({ seconds: 1 })],
    ["delta of 10", (t) => t.delta, () => ({ seconds: 0.7 })],
    ["upload of 500", () => syncPath(uploaded), () => ({ seconds: 20, most: 32, method: "POST", body })],
  ];
}

export async function projects(section) {
  const targets = { "TypeScript on workerd": await projectsPeer(), workerd: await onWorkerd(), wazero: await onWazero() };
  const bar = targets["TypeScript on workerd"];
  for (const target of Object.values(targets)) {
    await seed(target, target === bar);
    sameRows(target.tasks, bar.tasks, 10_000);
    sameRows(target.dependencies, bar.dependencies, 15_000);
  }

  const table = section.table("requests", "Projects of 10,000 tasks and 15,000 dependencies (p50, p99, cpu in µs; time: of the peer's a request)");
  for (const [request, url, options] of requests()) {
    for (const connections of [1, 32]) {
      for (const target of Object.values(targets)) await load(target.url + url(target), { ...options(target), connections }); // warm
      const measured = await compare(targets, (target) => loaded(target, url(target), { ...options(target), connections }));
      const peer = measured["TypeScript on workerd"];
      for (const [target, { rps, p50, p99, cpu, time, refused }] of Object.entries(measured)) {
        table.row({ request, connections, target }, { rps, p50, p99, cpu, refused }, cpu === peer.cpu ? {} : { time: over(time, peer.time), processor: over(cpu, peer.cpu) });
      }
    }
  }
  for (const target of Object.values(targets)) await target.close();
}
