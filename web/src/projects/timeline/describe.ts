// What the timeline says of a task to a screen reader.
import { relations, statuses } from "../words.ts";
import { format } from "./days.ts";
import type { Plan, Row } from "./plan.ts";

const days = (count: number) => `${count} ${Math.abs(count) === 1 ? "day" : "days"}`;

/** Returns the state: "In progress, 40 %". */
export function stateOf({ task: { status, percentComplete }, kind }: Row): string {
  const word = statuses[status] ?? status;
  return kind === "milestone" || status === "done" || (status === "not_started" && percentComplete === 0) ? word : `${word}, ${percentComplete} %`;
}

/** Returns the dates: "2 Mar 2026 to 6 Mar 2026, 5 days". */
export function datesOf({ task: { plannedStart, durationDays }, kind, span }: Row): string {
  const last = span && format(Math.ceil(span.end) - 1);
  switch (kind) {
    case "bar":
      return `${format(span!.start)} to ${last}, ${days(durationDays!)}`;
    case "open":
      return `Starts ${format(span!.start)}, without a duration`;
    case "milestone":
      return `Milestone on ${format(span!.start)}`;
    case "summary":
      return `Subtasks from ${format(span!.start)} to ${last}`;
    case "wrong":
      return span === null ? `Wrong date: ${plannedStart}` : `Wrong dates: it ends ${days(-durationDays!)} before its start on ${format(span.end)}`;
    case "none":
      return durationDays === null ? "No dates" : `No start, ${days(durationDays)}`;
  }
}

/** Returns a task's name, dates, state and predecessors. */
export function nameOf(plan: Plan, index: number): string {
  const row = plan.rows[index]!;
  const waits = plan.links
    .filter(({ to }) => to === index)
    .map(({ type, lagDays, from }) => `It ${relations[type]} ${plan.rows[from]!.task.name}${lagOf(lagDays)}.`);
  return [`${row.task.name}. ${datesOf(row)}. ${stateOf(row)}.`, ...waits].join(" ");
}

const lagOf = (lag: number) => (lag === 0 ? "" : `, ${days(Math.abs(lag))} ${lag > 0 ? "later" : "earlier"}`);
