import { lazy, Suspense, useMemo } from "react";
import { useRecords } from "../observe";
import { useDependencies } from "./Dependencies";
import type { Calendar, Project } from "./model";
import type { OpenedProject } from "./opened";
import { showTask, useTasks } from "./Tasks";

// The page is of use without it, also where a new version of the app has replaced the file.
const Timeline = lazy(() => import("./timeline/Timeline").catch(() => ({ default: () => <p className="hint">The browser could not load the timeline.</p> })));

const projectColumns = ["calendar_id"];
const calendarColumns = ["working_days", "exceptions"];

/** Gives the timeline the rows that this device has, whenever they change. */
export function ProjectTimeline({ project }: { project: OpenedProject }) {
  const { database } = project;
  const tasks = useTasks(project);
  const dependencies = useDependencies(project);
  const projects = useRecords(useMemo(() => database.get<Project>("projects").query(), [database]), projectColumns);
  const calendars = useRecords(useMemo(() => database.get<Calendar>("calendars").query(), [database]), calendarColumns);
  if (!tasks || !dependencies) return null;
  const { workingDays = null, exceptions = null } = calendars?.find(({ id }) => id === projects?.[0]?.calendarId) ?? {};
  return (
    <Suspense fallback={<p className="hint" role="status">Opening the timeline…</p>}>
      <Timeline tasks={tasks} dependencies={dependencies} workingDays={workingDays} exceptions={exceptions} onOpen={showTask} />
    </Suspense>
  );
}
