// What the tests of the demo write to projects without the demo.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { token } from "../doors.mjs";

/** Returns a function that sends a subject's request to the projects of a door, and resolves to the response. */
export const rest = (door, subject) => async (method, path, body) => {
  const headers = { authorization: `Bearer ${token(subject)}`, "content-type": "application/json" };
  const response = await fetch(`${door.url}/api/v1/projects/${path}`, { method, headers, body: JSON.stringify(body) });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
};

/** Creates tasks in the order of the list, 500 at a time. send is a function of rest(). */
export async function upload(send, project, tasks) {
  const rows = tasks.map((row, sort_order) => ({ sort_order, status: "not_started", percent_complete: 0, is_milestone: false, ...row }));
  for (let first = 0; first < rows.length; first += 500) {
    const created = rows.slice(first, first + 500);
    await send("POST", `${project}/sync/`, { client_batch_id: randomUUID(), last_pulled_at: 0, changes: { tasks: { created, updated: [], deleted: [] } } });
  }
}

const date = (daysFromNow) => new Date(Date.now() + daysFromNow * 86_400_000).toISOString().slice(0, 10);

/** Makes a project that has one of everything that a timeline shows. */
export async function engine(door, subject) {
  const send = rest(door, subject);
  const { id: project } = await send("POST", "", { name: "Analytical engine" });
  const calendar = await send("POST", `${project}/calendars/`, { name: "Workshop", working_days: [1, 2, 3, 4, 5, 6], exceptions: [date(9)] });
  await send("PATCH", `${project}/`, { calendar_id: calendar.id });
  const task = (key, name, start, duration_days, more) =>
    ({ id: `${project}-${key}`, name, planned_start: start === null ? null : date(start), duration_days, ...more });
  const drawings = { parent_id: `${project}-drawings` };
  const created = [
    task("drawings", "Drawings", null, null, { status: "in_progress", percent_complete: 70 }),
    task("mill", "Draw the mill", -20, 8, { ...drawings, status: "done", percent_complete: 100 }),
    task("store", "Draw the store", -13, 10, { ...drawings, status: "in_progress", percent_complete: 60 }),
    task("approved", "Approved", 1, null, { is_milestone: true }),
    task("brass", "Buy brass", -6, 5, { status: "blocked", percent_complete: 50 }),
    task("gears", "Cut the gears", 2, 14),
    task("frame", "Cast the frame", 4, 9),
    task("assemble", "Assemble", 18, 12),
    task("program", "Write the first program", 12, null),
    task("show", "Show it to the Royal Society", null, 2),
  ];
  await upload(send, project, created);
  for (const [from, to, type = "FS", lag_days = 0] of [
    ["mill", "store", "SS", 6], ["mill", "approved"], ["store", "approved"], ["approved", "gears"], ["brass", "gears"], ["gears", "assemble"], ["frame", "assemble", "FF", 3], ["assemble", "program", "SF"],
  ]) {
    await send("POST", `${project}/dependencies/`, { predecessor_id: `${project}-${from}`, successor_id: `${project}-${to}`, type, lag_days });
  }
}
