import { useCallback, useEffect, useState } from "react";
import { callJson, uuid, type Server } from "tidemark-client";
import { Dialog } from "../Dialog";
import type { Device } from "../device";
import { go, href } from "../route";
import { ProjectView } from "./ProjectView";
import "./projects.css";

export interface Listed {
  id: string;
  name: string;
}

interface Props {
  device: Device;
  subject: string;
  id: string | undefined;
  expired: boolean;
  onUnauthorized(): void;
}

/** Lists the projects of which the person is a member, and shows the one that the route names. */
export default function ProjectsPage({ device, subject, id, expired, onUnauthorized }: Props) {
  const { server } = device;
  const [projects, problem, reload] = useProjects(server, device.name("projects"));
  const [adding, setAdding] = useState(false);
  const [refused, setRefused] = useState("");

  const create = async (form: FormData) => {
    try {
      const project = await callJson<Listed>(server, "POST", "/api/v1/projects/", { id: uuid(), name: form.get("name") });
      reload();
      setAdding(false);
      go("projects", project.id);
    } catch (error) {
      setRefused((error as Error).message);
    }
  };

  return (
    <div className={`split ${id === undefined ? "at-list" : "at-detail"}`}>
      <section className="list" aria-label="Projects">
        <div className="list-head">
          <h1>Projects</h1>
          <button type="button" className="primary" onClick={() => (setRefused(""), setAdding(true))}>New project</button>
        </div>
        <ul>
          {projects.map((project) => (
            <li key={project.id}>
              <a href={href("projects", project.id)} aria-current={project.id === id ? "true" : undefined}><b>{project.name}</b></a>
            </li>
          ))}
        </ul>
        {problem && <p className="hint" role="status">This list may be out of date: {problem}</p>}
        {projects.length === 0 && !problem && <p className="hint">No projects yet.</p>}
      </section>
      <section className="detail" aria-label="The project">
        {id === undefined ? <p className="hint">Select a project, or create one.</p> : <a className="back" href={href("projects")}>‹ Projects</a>}
        {id !== undefined && (
          <ProjectView key={id} device={device} subject={subject} id={id} expired={expired} onUnauthorized={onUnauthorized} onGone={reload} />
        )}
      </section>
      {adding && (
        <Dialog title="New project" action="Create" onSubmit={create} onClose={() => setAdding(false)}>
          <label>Name <input name="name" required maxLength={500} autoFocus /></label>
          {refused && <p role="alert">{refused}</p>}
        </Dialog>
      )}
    </div>
  );
}

// useProjects reads the list from the server, and stores it for use offline.
function useProjects(server: Server, key: string): [projects: Listed[], problem: string, reload: () => void] {
  const [projects, setProjects] = useState<Listed[]>(() => JSON.parse(localStorage.getItem(key) ?? "[]"));
  const [problem, setProblem] = useState("");
  const reload = useCallback(async () => {
    try {
      const all: Listed[] = [];
      for (let cursor: string | null = ""; cursor !== null; ) {
        type Page = { results: Listed[]; next_cursor: string | null };
        const page: Page = await callJson(server, "GET", `/api/v1/projects/${cursor && `?cursor=${encodeURIComponent(cursor)}`}`);
        all.push(...page.results.map(({ id, name }) => ({ id, name })));
        cursor = page.next_cursor;
      }
      setProjects(all);
      setProblem("");
      localStorage.setItem(key, JSON.stringify(all));
    } catch (error) {
      setProblem((error as Error).message);
    }
  }, [server, key]);
  useEffect(() => {
    void reload();
    addEventListener("online", reload);
    return () => removeEventListener("online", reload);
  }, [reload]);
  return [projects, problem, reload];
}
