// Metrics: one point of the Analytics Engine dataset METRICS for each request, if one is bound.
// Package shared/metric has the names, and docs/operate.md the columns.
import { Reader } from "./frame.mjs";

// The metrics by their numbers.
const NAMES = [
  null,
  "tidemark_push_rows_total",
  "tidemark_pull_rows_total",
  "tidemark_notifications_total",
  "tidemark_yjs_updates_total",
  "tidemark_yjs_bytes_total",
  "tidemark_yjs_compactions_total",
  "tidemark_copies_behind_seconds",
  "tidemark_webhooks_total",
  "tidemark_webhooks_waiting",
  "tidemark_copy_failures",
  "tidemark_copies_late_seconds",
];
const LABELS = [[], ["table", "outcome"], ["table"], [], [], ["direction"], ["result"], [], ["result"], [], [], []];
const COPIES_BEHIND = 7, COPIES_LATE = 11;

// COLUMNS are the doubles of a point, from double1 on: a name, and the last label if there is one.
export const COLUMNS = [
  "tidemark_request_seconds",
  "tidemark_push_rows_total created",
  "tidemark_push_rows_total updated",
  "tidemark_push_rows_total deleted",
  "tidemark_push_rows_total superseded",
  "tidemark_push_rows_total rejected",
  "tidemark_pull_rows_total",
  "tidemark_notifications_total",
  "tidemark_yjs_updates_total",
  "tidemark_yjs_bytes_total in",
  "tidemark_yjs_bytes_total out",
  "tidemark_yjs_compactions_total done",
  "tidemark_yjs_compactions_total failed",
  "tidemark_copies_behind_seconds",
  "tidemark_instances_ended_total",
  "tidemark_instance_memory_bytes",
  "tidemark_batch_seconds",
  "tidemark_webhooks_total done",
  "tidemark_webhooks_total failed",
  "tidemark_webhooks_waiting",
];
const COLUMN = new Map(COLUMNS.map((name, at) => [name, at]));
const MOST_INDEX = 96; // characters of ASCII, as a route is
const MOST_DETAILS = 12_000; // characters: the blobs of a point have at most 16 KB
const EVENT_POINT_MS = 1_000; // at most one point of messages in so long

// Counts is what one request, or the events of an isolate, counted.
export class Counts {
  constructor() {
    this.doubles = null;
    this.details = [];
  }

  get empty() {
    return this.doubles === null;
  }

  add(name, value, ...labels) {
    this.doubles ??= new Array(COLUMNS.length).fill(0);
    const at = COLUMN.get(name) ?? COLUMN.get(`${name} ${labels.at(-1)}`);
    if (at !== undefined) this.doubles[at] += value;
  }

  // report takes a frame of the guest. object, if there is one, is what has counted.
  report(frame, object) {
    const reader = new Reader(frame);
    while (reader.pos < frame.length) {
      const number = reader.byte();
      let value = reader.f64();
      const text = reader.text();
      const name = NAMES[number];
      if (name === undefined) return;
      if (number === COPIES_LATE) continue; // a time to come, of no use in a point
      if (number === COPIES_BEHIND) value = behind(object, value);
      if (value === 0) continue;
      const labels = text === "" ? [] : text.split("\0");
      this.add(name, value, ...labels);
      const named = labels.map((label, i) => `${LABELS[number][i]}=${JSON.stringify(label)}`).join();
      this.details.push(`${name}{${named}} ${value}`);
    }
  }
}

// behind returns how many seconds a document's copy was behind, when it is not any more; since is
// from when on it is, or 0.
function behind(object, since) {
  const before = object?.behindSince ?? 0;
  if (object) object.behindSince = since;
  return since === 0 && before > 0 ? Math.max(Date.now() / 1000 - before, 0) : 0;
}

const events = new Counts(); // of the isolate's events since the last point
let lastEvents = 0;

// ofEvents is where what an event counts goes, until eventPoint.
export const ofEvents = () => events;

// eventPoint writes a point of what events counted. While more of them follow, it does so once a
// second.
export function eventPoint(env, moreFollow) {
  if (!env.METRICS || events.empty) return;
  const now = Date.now();
  if (moreFollow && now - lastEvents < EVENT_POINT_MS) return;
  lastEvents = now;
  point(env, "events", {}, events);
  events.doubles = null;
  events.details = [];
}

// alarmPoint writes the point of an alarm, if it counted anything.
export function alarmPoint(env, counts) {
  if (env.METRICS && !counts.empty) point(env, "alarm", {}, counts);
}

// requestPoint writes the point of a request.
export function requestPoint(env, { route, method, status, seconds, memory }, counts) {
  if (!env.METRICS) return;
  counts.add("tidemark_request_seconds", seconds);
  counts.add("tidemark_instance_memory_bytes", memory);
  point(env, "request", { route: route || "unknown", method, status }, counts);
}

// point writes a point. kind is "request", "alarm" or "events".
function point(env, kind, { route = "", method = "", status = "" }, { doubles, details }) {
  env.METRICS.writeDataPoint({
    indexes: [(route || kind).slice(0, MOST_INDEX)],
    blobs: [kind, route, method, String(status), details.join("\n").slice(0, MOST_DETAILS)],
    doubles,
  });
}
