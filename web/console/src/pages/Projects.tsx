import { call } from "../api";
import { Empty, Shown, usePages } from "../load";
import { href, inPlace, useRoute } from "../route";
import { Pager, Table } from "../Table";
import { count } from "../words";
import { ProjectPanel } from "./projects/ProjectPanel";
import type { Listed } from "./projects/projects";
import "./pages.css";

/** The page Projects: the list, or one project. */
export function Projects() {
  const { place, query } = useRoute();
  const id = query.get("id");
  const deleted = query.get("deleted") === "1";
  const link = (id?: string) => href(["projects"], { id, deleted: deleted ? "1" : undefined });
  return id === null ? <List key={String(deleted)} place={place} deleted={deleted} link={link} /> : <ProjectPanel key={id} id={id} back={link()} />;
}

function List({ place, deleted, link }: { place: string; deleted: boolean; link(id?: string): string }) {
  const projects = usePages(
    async (cursor, signal) => {
      const query = { cursor: cursor ?? undefined, page_size: 50, deleted: deleted ? 1 : undefined };
      const { body } = await call<{ results: Listed[]; next_cursor: string | null }>("GET", inPlace(place, "/api/v1/operator/projects/"), undefined, { query, signal });
      return { items: body.results, next: body.next_cursor };
    },
    [place, deleted],
  );
  return (
    <>
      <div className="actions">
        <a className="button" href={href(["projects"], { deleted: deleted ? undefined : "1" })}>{deleted ? "Hide deleted projects" : "Show deleted projects, too"}</a>
      </div>
      <Shown of={projects}>
        {({ items }) =>
          items.length === 0 ? <Empty>There is no project.</Empty> : (
            <Table
              caption="The projects"
              rows={items}
              keyOf={({ id }) => id}
              columns={[
                { title: "Project", render: ({ id, name }) => <a href={link(id)}><b>{name}</b></a> },
                { title: "Status", render: ({ status, archived, deleted }) => (deleted ? <span className="chip bad"><i />deleted</span> : archived ? `${status}, archived` : status) },
                { title: "Tasks", number: true, render: ({ tasks }) => count(tasks) },
                { title: "Members", number: true, render: ({ members }) => count(members) },
                { title: "Sequence", number: true, render: ({ sequence }) => count(sequence) },
              ]}
            />
          )
        }
      </Shown>
      <Pager of={projects} what="projects" />
      <p className="hint">The sequence counts the writes of a project: a device that has pulled this number has everything.</p>
    </>
  );
}
