import { useMemo, type FormEvent } from "react";
import { useRecords } from "../observe";
import type { OpenedProject } from "./opened";
import type { Dependency } from "./model";
import { useTasks } from "./Tasks";
import { relations } from "./words";

const columns = ["predecessor_id", "successor_id", "type", "lag_days"];

export const useDependencies = ({ database }: OpenedProject) =>
  useRecords(useMemo(() => database.get<Dependency>("dependencies").query(), [database]), columns);

/** The dependencies between tasks. The server checks for cycles, so a change needs a connection. */
export function Dependencies({ project }: { project: OpenedProject }) {
  const tasks = useTasks(project) ?? [];
  const dependencies = useDependencies(project);
  const name = (id: string) => tasks.find((task) => task.id === id)?.name ?? "a deleted task";

  const add = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const { successor_id, type, predecessor_id } = Object.fromEntries(new FormData(event.currentTarget));
    await project.request("POST", "/dependencies/", { successor_id, type, predecessor_id });
  };

  return (
    <section aria-labelledby="dependencies">
      <h3 id="dependencies">Dependencies</h3>
      <ul className="rows">
        {dependencies?.map(({ id, predecessorId, successorId, type }) => (
          <li key={id}>
            <span className="grow">{name(successorId)} <em>{relations[type]}</em> {name(predecessorId)}</span>
            {project.may("Scheduler") && (
              <button
                type="button"
                className="quiet danger-text"
                aria-label={`Remove: ${name(successorId)} ${relations[type]} ${name(predecessorId)}`}
                onClick={() => void project.request("DELETE", `/dependencies/${id}/`)}
              >
                ✕
              </button>
            )}
          </li>
        ))}
      </ul>
      {dependencies?.length === 0 && <p className="hint">{tasks.length > 1 ? "No dependencies yet." : "A dependency needs two tasks."}</p>}
      {project.may("Scheduler") && tasks.length > 1 && (
        <form className="line-form" onSubmit={(event) => void add(event)}>
          <label>
            Task
            <select name="successor_id" defaultValue={tasks[1]!.id}>{tasks.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}</select>
          </label>
          <label>
            Relation
            <select name="type">{Object.entries(relations).map(([type, title]) => <option key={type} value={type}>{title}</option>)}</select>
          </label>
          <label>
            Predecessor
            <select name="predecessor_id">{tasks.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}</select>
          </label>
          <button type="submit">Add dependency</button>
        </form>
      )}
    </section>
  );
}
