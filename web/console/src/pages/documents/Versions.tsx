import { useRef, useState } from "react";
import { call } from "../../api";
import { Confirm } from "../../Confirm";
import { Problem } from "../../load";
import { Table } from "../../Table";
import { size, time } from "../../words";
import { download, now, stateOf, type Version } from "./documents";

interface Props {
  room: string;
  path: string;
  list: Version[];
  /** Loads older versions, if there are any. */
  more: (() => Promise<void>) | undefined;
  writes: boolean;
  onShow(at: string, than: string | undefined): void;
  onChange(): void;
}

/** The named versions of a document. */
export function Versions({ room, path, list, more, writes, onShow, onChange }: Props) {
  const [task, setTask] = useState<"name" | Version | null>(null);
  const [problem, setProblem] = useState<Error>();
  const attempt = (work: Promise<void>) => work.then(() => setProblem(undefined), setProblem);
  const title = ({ name }: Version) => name || "without a name";
  return (
    <section className="stack" aria-label="Versions">
      <div className="head">
        <h3>Versions</h3>
        {writes && <button type="button" onClick={() => setTask("name")}>Name a version</button>}
      </div>
      {problem && <Problem error={problem} />}
      {list.length === 0 ? <p className="empty">Nobody has named a version of this document yet. A version keeps the text as it is at that moment.</p> : (
        <Table
          caption={`Versions of ${room}`}
          rows={list}
          keyOf={({ id }) => id}
          columns={[
            { title: "Version", render: (of) => <b>{title(of)}</b> },
            { title: "Named", render: ({ created_at, subject }) => <div>{time(created_at)}<small className="soft block">by {subject || "somebody without a subject"}</small></div> },
            { title: "Size", number: true, render: ({ bytes }) => size(bytes) },
            {
              title: "What to do",
              render: (of) => (
                <div className="actions small">
                  <button type="button" aria-label={`Open ${title(of)}`} onClick={() => onShow(of.id, undefined)}>Open</button>
                  <button type="button" aria-label={`Compare ${title(of)} with now`} onClick={() => onShow(now, of.id)}>Compare</button>
                  {writes && <button type="button" aria-label={`Restore ${title(of)}`} onClick={() => setTask(of)}>Restore</button>}
                  <button type="button" aria-label={`Download ${title(of)}`} onClick={() => void attempt(download(stateOf(path, of.id), `${room} ${title(of)}.yjs`))}>Download</button>
                </div>
              ),
            },
          ]}
        />
      )}
      {more && <button type="button" onClick={() => void attempt(more())}>Older versions</button>}
      {task === "name" && <NameVersion room={room} path={path} onChange={onChange} onClose={() => setTask(null)} />}
      {task !== null && task !== "name" && (
        <Restore room={room} path={path} version={task} title={title(task)} onDone={() => (onShow(now, undefined), onChange())} onClose={() => setTask(null)} />
      )}
    </section>
  );
}

const nameVersion = (path: string, name: string) => call<Version>("POST", `${path}/versions`, name);

function NameVersion({ room, path, onChange, onClose }: { room: string; path: string; onChange(): void; onClose(): void }) {
  return (
    <Confirm
      title={`Name a version of ${room}?`}
      action="Name it"
      onConfirm={async (form) => {
        const name = String(form.get("name"));
        const { requestId } = await nameVersion(path, name);
        onChange();
        return { text: `The version “${name}” keeps ${room} as it is now.`, requestId };
      }}
      onClose={onClose}
    >
      <p>The server keeps the document as it is now. The document itself does not change.</p>
      <label>Name <input name="name" required maxLength={100} autoComplete="off" autoFocus /></label>
    </Confirm>
  );
}

interface RestoreProps {
  room: string;
  path: string;
  version: Version;
  title: string;
  onDone(): void;
  onClose(): void;
}

function Restore({ room, path, version, title, onDone, onClose }: RestoreProps) {
  const kept = useRef(false); // also if the restore fails after it, and the person confirms again
  const restore = async (form: FormData) => {
    if (form.get("keep") !== null && !kept.current) {
      await nameVersion(path, `before “${title.slice(0, 80)}” was restored`);
      kept.current = true;
    }
    const { requestId } = await call("POST", `${stateOf(path, version.id)}/restore`);
    onDone();
    return { text: `${room} is again as in “${title}”.${kept.current ? " A version has what it was before." : ""}`, requestId };
  };
  return (
    <Confirm title={`Restore “${title}”?`} action="Restore" onConfirm={restore} onClose={onClose}>
      <p>A new edit makes the document what it was at {time(version.created_at)}. Everybody who has it open sees that at once. The text loses all later edits.</p>
      <label className="choice"><input type="checkbox" name="keep" defaultChecked /> First name a version of the text as it is now</label>
    </Confirm>
  );
}
