// Which rows the timeline has, in which order, and which days they cover. It is given tasks and dependencies as they are
// on the device: a date may be missing or wrong, and a chain of parents may close a circle until the next pull.
import type { Relation, Status } from "../words.ts";
import type { Workdays } from "./calendar.ts";
import { parseDay, type Day } from "./days.ts";

export interface TaskRow {
  id: string;
  name: string;
  status: Status;
  percentComplete: number;
  plannedStart: string | null;
  durationDays: number | null;
  parentId: string | null;
  isMilestone: boolean;
}

export interface DependencyRow {
  id: string;
  predecessorId: string;
  successorId: string;
  type: Relation;
  lagDays: number;
}

/**
 * How a task is drawn: a bar from start to end; "open", a start without a duration; a milestone, which is a moment;
 * "summary", the span of the subtasks of a task without dates; "wrong", a date that is none or an end before the start;
 * "none", without a date. A task of the kind "none", and a "wrong" one without a start, have no place.
 */
export type Kind = "bar" | "open" | "milestone" | "summary" | "wrong" | "none";

export interface Row {
  task: TaskRow;
  depth: number;
  kind: Kind;
  /** The first moment, and the first moment after the last; null without a place. */
  span: { start: Day; end: Day } | null;
}

export interface Link {
  id: string;
  type: Relation;
  lagDays: number;
  /** Indexes of rows. */
  from: number;
  to: number;
}

export interface Plan {
  rows: Row[];
  links: Link[];
  /** What all spans cover; null if there are none. */
  range: { start: Day; end: Day } | null;
}

/** Tasks come in the order in which the page lists them. Subtasks follow their task. */
export function planOf(tasks: TaskRow[], dependencies: DependencyRow[], calendar: Workdays): Plan {
  const rows = inTree(tasks).map(({ task, depth }): Row => ({ task, depth, ...placeOf(task, calendar) }));
  summarize(rows);
  const index = new Map(rows.map(({ task }, i) => [task.id, i]));
  const links = dependencies.flatMap(({ id, type, lagDays, predecessorId, successorId }): Link[] => {
    const [from, to] = [index.get(predecessorId), index.get(successorId)];
    return from === undefined || to === undefined || from === to ? [] : [{ id, type, lagDays, from, to }];
  });
  return { rows, links, range: rows.reduce<Plan["range"]>((range, { span }) => union(range, span), null) };
}

const union = (a: Plan["range"], b: Row["span"]) =>
  a === null || b === null ? (a ?? b) : { start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) };

// inTree lists each task once: a task in a circle of parents, or whose parent is unknown, is at the top.
function inTree(tasks: TaskRow[]): { task: TaskRow; depth: number }[] {
  const known = new Set(tasks.map(({ id }) => id));
  const children = new Map<string | null, TaskRow[]>();
  for (const task of tasks) {
    const parent = task.parentId !== null && known.has(task.parentId) ? task.parentId : null;
    const siblings = children.get(parent);
    if (siblings) siblings.push(task);
    else children.set(parent, [task]);
  }
  const listed: { task: TaskRow; depth: number }[] = [];
  const seen = new Set<string>();
  const visit = (top: TaskRow) => {
    const stack = [{ task: top, depth: 0 }];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      if (seen.has(next.task.id)) continue;
      seen.add(next.task.id);
      listed.push(next);
      for (const child of [...(children.get(next.task.id) ?? [])].reverse()) stack.push({ task: child, depth: next.depth + 1 });
    }
  };
  (children.get(null) ?? []).forEach(visit);
  tasks.forEach(visit); // what only a circle leads to
  return listed;
}

function placeOf({ plannedStart, durationDays, isMilestone }: TaskRow, calendar: Workdays): Pick<Row, "kind" | "span"> {
  if (plannedStart === null) return { kind: "none", span: null };
  const start = parseDay(plannedStart);
  if (start === null) return { kind: "wrong", span: null };
  if (isMilestone) return { kind: "milestone", span: { start, end: start + 1 } };
  if (durationDays === null || durationDays === 0) return { kind: "open", span: { start, end: start + 1 } };
  if (durationDays < 0) return { kind: "wrong", span: { start: start + durationDays, end: start } };
  return { kind: "bar", span: { start, end: calendar.end(start, durationDays) } };
}

// summarize gives a task without dates the span of what follows it deeper in the tree.
function summarize(rows: Row[]) {
  const below: Row["span"][] = []; // by depth: the union of the spans of the rows there, since the last row above
  for (const row of [...rows].reverse()) {
    const inside = below[row.depth + 1] ?? null;
    below.length = row.depth + 1;
    if (row.kind === "none" && inside !== null) Object.assign(row, { kind: "summary", span: inside });
    below[row.depth] = union(union(below[row.depth] ?? null, row.span), inside);
  }
}
