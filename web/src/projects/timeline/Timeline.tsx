import { useEffect, useMemo, useState } from "react";
import { workdays } from "./calendar";
import { Chart } from "./Chart";
import { dayOf } from "./days";
import { planOf, type DependencyRow, type TaskRow } from "./plan";
import { zooms, type Zoom } from "./scale";
import "./timeline.css";

interface Props {
  /** In the order of the page's list. A change comes as another array. */
  tasks: TaskRow[];
  dependencies: DependencyRow[];
  /** Those of the project's calendar. */
  workingDays: string | null;
  exceptions: string | null;
  /** The person wants to see the task itself. */
  onOpen(taskId: string): void;
}

/** Tasks and their dependencies over an axis of time. */
export default function Timeline({ tasks, dependencies, workingDays, exceptions, onOpen }: Props) {
  const today = useToday();
  const [zoom, setZoom] = useState<Zoom>("fit");
  const calendar = useMemo(() => workdays({ workingDays, exceptions }), [workingDays, exceptions]);
  const plan = useMemo(() => planOf(tasks, dependencies, calendar), [tasks, dependencies, calendar]);
  return (
    <section aria-labelledby="timeline">
      <div className="timeline-head">
        <h3 id="timeline">Timeline</h3>
        {plan.range !== null && (
          <label>
            Scale
            <select value={zoom} onChange={({ target }) => setZoom(target.value as Zoom)}>
              {Object.entries(zooms).map(([value, title]) => <option key={value} value={value}>{title}</option>)}
            </select>
          </label>
        )}
      </div>
      {plan.rows.length > 0 && <Chart plan={plan} calendar={calendar} today={today} zoom={zoom} onOpen={onOpen} />}
      <p className="hint" id="timeline-hint">
        {plan.rows.length === 0
          ? "The timeline is empty until the project has tasks."
          : `${plan.range === null ? "No task has a start yet: give it one in the list of tasks. " : ""}The arrow keys go from task to task. Enter goes to the task in the list.`}
      </p>
    </section>
  );
}

function useToday() {
  const [today, setToday] = useState(() => dayOf(new Date()));
  useEffect(() => {
    const timer = setInterval(() => setToday(dayOf(new Date())), 60_000);
    return () => clearInterval(timer);
  }, []);
  return today;
}
