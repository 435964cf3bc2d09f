import { Q } from "@nozbe/watermelondb";
import { memo, useMemo, type FormEvent } from "react";
import { edit } from "tidemark-client";
import { useRecords } from "../observe";
import { RecordField } from "../records/RecordField";
import type { OpenedProject } from "./opened";
import type { Membership, Task } from "./model";
import { statuses } from "./words";

const taskColumns = [
  "name", "status", "percent_complete", "planned_start", "duration_days", "parent_id", "assignee_id", "is_milestone", "sort_order",
];

export const useTasks = ({ database }: OpenedProject) =>
  useRecords(useMemo(() => database.get<Task>("tasks").query(Q.sortBy("sort_order")), [database]), taskColumns);

const rowId = (taskId: string) => `task-${taskId}`;

/** Puts the focus on a task in the list. */
export function showTask(taskId: string) {
  const row = document.getElementById(rowId(taskId));
  (row?.querySelector<HTMLElement>("input:enabled") ?? row)?.focus();
}

/** The tasks of the project. They are stored on the device first, and then synchronized. */
export function Tasks({ project, members }: { project: OpenedProject; members: Membership[] }) {
  const tasks = useTasks(project);
  const add = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const name = String(new FormData(form).get("name"));
    form.reset();
    const last = Math.max(0, ...(tasks ?? []).map((task) => task.sortOrder));
    void project.database.write(() =>
      project.database.get<Task>("tasks").create((task) => {
        task.name = name;
        task.status = "not_started";
        task.percentComplete = 0;
        task.sortOrder = last + 1;
      }),
    );
  };
  return (
    <section aria-labelledby="tasks">
      <h3 id="tasks">Tasks</h3>
      <ul className="rows">
        {tasks?.map((task) => (
          <TaskRow
            key={task.id}
            task={task}
            shown={taskColumns.map((column) => task._getRaw(column)).join("\n")}
            members={members}
            subject={project.subject}
            member={project.may("Member")}
            scheduler={project.may("Scheduler")}
          />
        ))}
      </ul>
      {tasks?.length === 0 && <p className="hint">No tasks yet.</p>}
      {project.may("Member") && (
        <form className="line-form" onSubmit={add}>
          <label>New task <input name="name" required maxLength={500} /></label>
          <button type="submit">Add task</button>
        </form>
      )}
    </section>
  );
}

interface RowProps {
  task: Task;
  /** What the row shows of the task. Of 1,000 rows only those render again whose tasks have changed. */
  shown: string;
  members: Membership[];
  subject: string;
  /** What the person's role allows. */
  member: boolean;
  scheduler: boolean;
}

const TaskRow = memo(function TaskRow({ task, members, subject, member, scheduler }: RowProps) {
  const change = (set: (task: Task) => void) => void task.database.write(() => edit(task, set));
  const editableByMember = task.assigneeId === null || task.assigneeId === subject;
  const disabled = !(editableByMember ? member : scheduler);
  return (
    <li id={rowId(task.id)} tabIndex={-1}>
      <div className="grow">
        <RecordField record={task} field={{ name: "name", label: "Task", type: "text", required: true }} bare disabled={disabled} />
      </div>
      <select
        aria-label={`Status of ${task.name}`}
        value={task.status}
        disabled={disabled}
        onChange={(event) => change((t) => { t.status = event.target.value as Task["status"]; })}
      >
        {Object.entries(statuses).map(([status, title]) => <option key={status} value={status}>{title}</option>)}
      </select>
      <span>
        <input
          type="number"
          min={0}
          max={100}
          aria-label={`Percent complete of ${task.name}`}
          value={task.percentComplete}
          disabled={disabled}
          onChange={({ target }) => target.validity.valid && change((t) => { t.percentComplete = Math.round(target.valueAsNumber || 0); })}
        />{" "}
        %
      </span>
      <select
        aria-label={`Assignee of ${task.name}`}
        value={task.assigneeId ?? ""}
        disabled={disabled}
        onChange={(event) => change((t) => { t.assigneeId = event.target.value || null; })}
      >
        <option value="">Nobody</option>
        {members.map(({ userId }) => <option key={userId}>{userId}</option>)}
      </select>
      {scheduler && (
        <button type="button" className="quiet danger-text" aria-label={`Delete ${task.name}`} onClick={() => void task.database.write(() => task.markAsDeleted())}>
          ✕
        </button>
      )}
      <span className="plan">
        <RecordField
          record={task}
          field={{ name: "plannedStart", label: "Start", type: "date", min: "1900-01-01" }}
          of={task.name}
          disabled={!scheduler}
        />
        <RecordField record={task} field={{ name: "durationDays", label: "Days", type: "number", min: 0, max: 36_500 }} of={task.name} disabled={disabled} />
        <label>
          <input
            type="checkbox"
            aria-label={`${task.name} is a milestone`}
            checked={task.isMilestone}
            disabled={disabled}
            onChange={({ target }) => change((t) => { t.isMilestone = target.checked; })}
          />
          Milestone
        </label>
      </span>
    </li>
  );
});
