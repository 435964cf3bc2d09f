import { lazy, Suspense, useEffect, useRef } from "react";
import { relations, statuses } from "../../../../src/projects/words";
import { Empty, Shown, useLoad, Waiting } from "../../load";
import { inPlace, useRoute } from "../../route";
import { Table } from "../../Table";
import { count, many } from "../../words";
import { contentOf, type Content } from "./projects";

const Timeline = lazy(() => import("../../../../src/projects/timeline/Timeline"));

/** One project: its members, its timeline, its tasks and dependencies. It changes nothing: that is for members. */
export function ProjectPanel({ id, back }: { id: string; back: string }) {
  const { place } = useRoute();
  const path = inPlace(place, `/api/v1/operator/projects/${encodeURIComponent(id)}/sync/`);
  const content = useLoad((signal) => contentOf(path, signal), [path]);
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);
  const project = content.value?.project;
  return (
    <article className="pane project">
      <div>
        <a className="up" href={back}>‹ All projects</a>
        <div className="head">
          <h2 ref={title} tabIndex={-1}>{project ? String(project["name"]) : id}</h2>
          <button type="button" onClick={content.reload}>Reload</button>
        </div>
      </div>
      <Shown of={content}>{(of) => (of.project ? <Live id={id} of={of} /> : <Empty>This project is deleted. Its members still pull the deletion. Its sequence is {count(of.sequence)}.</Empty>)}</Shown>
    </article>
  );
}

function Live({ id, of: { sequence, project, tasks, dependencies, calendars, members } }: { id: string; of: Content }) {
  const calendar = calendars.find((calendar) => calendar.id === project!["calendar_id"]);
  const names = new Map(tasks.map(({ id, name }) => [id, name]));
  const nameOf = (id: string) => names.get(id) ?? "a deleted task";
  const text = (value: unknown) => (value == null ? null : String(value));
  return (
    <>
      <div className="card">
        <dl className="facts">
          <dt>Id</dt><dd><code>{id}</code></dd>
          <dt>Status</dt><dd>{String(project!["status"])}{project!["archived"] && ", archived"}</dd>
          <dt>Sequence</dt><dd>{count(sequence)}. A device that has pulled this number has everything.</dd>
          <dt>Version</dt><dd>{count(project!.server_version)}</dd>
          <dt>Calendar</dt><dd>{calendar ? String(calendar["name"]) : "none: every day is a working day"}</dd>
        </dl>
      </div>
      <section className="pane" aria-labelledby="members">
        <h3 id="members">{many(members.length, "member")}</h3>
        <Table
          caption="Members"
          rows={members}
          keyOf={({ id }) => id}
          columns={[
            { title: "User", render: ({ userId }) => <b>{userId}</b> },
            { title: "Role", render: ({ role }) => role },
            { title: "Version", number: true, render: ({ version }) => version },
          ]}
        />
      </section>
      <Suspense fallback={<Waiting />}>
        <Timeline
          tasks={tasks}
          dependencies={dependencies}
          workingDays={text(calendar?.["working_days"])}
          exceptions={text(calendar?.["exceptions"])}
          onOpen={(id) => document.getElementById(`task-${id}`)?.focus()}
        />
      </Suspense>
      <section className="pane" aria-labelledby="tasks">
        <h3 id="tasks">{many(tasks.length, "task")}</h3>
        {tasks.length > 0 && (
          <Table
            caption="Tasks"
            wide
            rows={tasks}
            keyOf={({ id }) => id}
            columns={[
              { title: "Task", render: (task) => <span id={`task-${task.id}`} tabIndex={-1}>{task.name}{task.isMilestone && <small className="soft block">milestone</small>}</span> },
              { title: "Status", render: (task) => statuses[task.status] ?? task.status },
              { title: "Done", number: true, render: (task) => `${task.percentComplete} %` },
              { title: "Start", render: (task) => task.plannedStart ?? "–" },
              { title: "Days", number: true, render: (task) => task.durationDays ?? "–" },
              { title: "Assignee", render: (task) => task.assigneeId ?? "nobody" },
              { title: "Part of", render: (task) => (task.parentId ? nameOf(task.parentId) : "–") },
              { title: "Version", number: true, render: (task) => task.version },
            ]}
          />
        )}
      </section>
      <section className="pane" aria-labelledby="dependencies">
        <h3 id="dependencies">{many(dependencies.length, "dependency", "dependencies")}</h3>
        {dependencies.length > 0 && (
          <Table
            caption="Dependencies"
            wide
            rows={dependencies}
            keyOf={({ id }) => id}
            columns={[
              { title: "Task", render: ({ successorId }) => nameOf(successorId) },
              { title: "Relation", render: ({ type }) => relations[type] },
              { title: "Predecessor", render: ({ predecessorId }) => nameOf(predecessorId) },
              { title: "Days between", number: true, render: ({ lagDays }) => lagDays },
            ]}
          />
        )}
      </section>
    </>
  );
}
