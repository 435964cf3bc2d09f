import type { Database } from "@nozbe/watermelondb";
import { useEffect, useMemo, useState } from "react";
import { callJson, HttpError, safeSyncDatabase, syncTriggers } from "tidemark-client";
import { projectPath } from "tidemark-client/projects";
import { useSyncState } from "tidemark-client/react";
import type { Device } from "../device";
import { useRecords } from "../observe";
import { StatusChip } from "../StatusChip";
import { Dependencies } from "./Dependencies";
import { Members } from "./Members";
import { roles, type Membership, type Project } from "./model";
import { openProject } from "./open";
import type { OpenedProject } from "./opened";
import { ProjectTimeline } from "./ProjectTimeline";
import { Tasks } from "./Tasks";

interface Props {
  device: Device;
  subject: string;
  id: string;
  expired: boolean;
  onUnauthorized(): void;
  /** The project was renamed, deleted or left. */
  onGone(): void;
}

const projectColumns = ["name"];
const memberColumns = ["user_id", "role"];

/** Shows a project and synchronizes it meanwhile. */
export function ProjectView({ device, subject, id, expired, onUnauthorized, onGone }: Props) {
  const { server } = device;
  const { database, source } = openProject(device, id);
  const state = useSyncState(database);
  const [problem, setProblem] = useState("");

  useEffect(() => {
    if (expired) return;
    const path = `${projectPath(id)}/subscribe`;
    return syncTriggers(database, source, { server, path });
  }, [database, source, expired]);
  useEffect(() => {
    if (state.unauthorized) onUnauthorized();
    if (state.error instanceof HttpError && [403, 404].includes(state.error.status)) onGone();
  }, [state.error]);

  const projects = useRecords(useMemo(() => database.get<Project>("projects").query(), [database]), projectColumns);
  const members = useRecords(useMemo(() => database.get<Membership>("memberships").query(), [database]), memberColumns);
  const role = members?.find((member) => member.userId === subject)?.role;

  const opened: OpenedProject = {
    id,
    database,
    subject,
    may: (least) => role !== undefined && roles.indexOf(role) >= roles.indexOf(least),
    request: async (method, path, body) => {
      const error = await callJson(server, method, projectPath(id) + path, body).then(
        () => "",
        (error: Error) => error.message,
      );
      setProblem(error);
      if (error === "") await safeSyncDatabase(database, source);
      return error;
    },
  };

  return (
    <article className="project">
      <div className="detail-head">
        <h2>{projects?.[0]?.name ?? "…"}</h2>
        <StatusChip state={state} unsynced={state.unsynced} expired={expired} />
      </div>
      {problem && <p className="problem" role="alert">{problem}</p>}
      {state.phase === "refused" && !state.unauthorized && (
        <Rejected message={state.error?.message ?? ""} unsynced={state.unsynced} database={database} />
      )}
      {members && <ProjectTimeline project={opened} />}
      {members && <Tasks project={opened} members={members} />}
      {members && <Dependencies project={opened} />}
      {members && <Members project={opened} members={members} />}
    </article>
  );
}

// Rejected shows why the server rejected a sync. The person mends the rows, or discards the changes.
function Rejected({ message, unsynced, database }: { message: string; unsynced: number; database: Database }) {
  const discard = async () => {
    await database.write(() => database.unsafeResetDatabase());
    location.reload(); // the first pull brings the server's rows again
  };
  return (
    <p className="problem" role="alert">
      The server rejected the sync: {message}{" "}
      {unsynced > 0 && <button type="button" onClick={() => void discard()}>Discard my {unsynced} unsynced changes</button>}
    </p>
  );
}
