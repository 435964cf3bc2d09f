import { useEffect, useRef, useState } from "react";
import { call } from "../../api";
import { Confirm } from "../../Confirm";
import { Problem, Shown, useLoad } from "../../load";
import { useMay } from "../../me";
import { inPlace, useRoute } from "../../route";
import { size, time } from "../../words";
import { download, now, pathOf, rootsOf, type Listed, type Person, type Presence } from "./documents";
import { Preview } from "./Preview";
import { useVersions } from "./useVersions";
import { Versions } from "./Versions";

interface Props {
  room: string;
  /** The link to the list without this document. */
  back: string;
  /** The document was changed. */
  onChange(): void;
}

/** One document: who has it open, its text, and its versions. */
export function DocumentPanel({ room, back, onChange }: Props) {
  const { place } = useRoute();
  const writes = useMay()("yjs:write");
  const path = inPlace(place, pathOf(room));
  const [at, setAt] = useState(now);
  const [than, setThan] = useState<string>();
  const [task, setTask] = useState<"delete" | null>(null);
  const [problem, setProblem] = useState<Error>();
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);

  const copy = useLoad(async (signal) => {
    const { rooms } = (await call<{ rooms: Listed[] }>("GET", inPlace(place, "/yjs/"), undefined, { query: { prefix: room, limit: 1 }, signal })).body;
    return rooms[0]?.room === room ? rooms[0] : null;
  }, [path]);
  const presence = useLoad(async (signal) => (await call<Presence>("GET", `${path}/presence`, undefined, { signal })).body, [path]);
  const roots = useLoad((signal) => rootsOf(path, signal), [path]);
  const versions = useVersions(path);
  const reload = () => [copy, presence, roots, versions].forEach((load) => load.reload());
  const changed = () => (reload(), onChange());

  return (
    <section className="pane panel-wide" aria-label={`Document ${room}`}>
      <div>
        <a className="up" href={back}>‹ All documents</a>
        <div className="head">
          <h2 ref={title} tabIndex={-1}>{room}</h2>
          <div className="actions">
            <button type="button" onClick={reload}>Reload</button>
            {roots.value !== null && <button type="button" onClick={() => download(path, `${room}.yjs`).then(() => setProblem(undefined), setProblem)}>Download</button>}
            {roots.value !== null && writes && <button type="button" className="danger-text" onClick={() => setTask("delete")}>Delete</button>}
          </div>
        </div>
        {copy.value && <p className="soft">{size(copy.value.bytes)}, last copied {time(copy.value.updated_at)}</p>}
      </div>
      {problem && <Problem error={problem} />}
      <Shown of={presence}>{(of) => <People of={of} />}</Shown>
      <Preview path={path} roots={roots} versions={versions.value ?? []} at={at} than={than} onShow={(at, than) => (setAt(at), setThan(than))} />
      {roots.value !== null && (
        <Shown of={versions}>
          {(list) => <Versions room={room} path={path} list={list} more={versions.more} writes={writes} onShow={(at, than) => (setAt(at), setThan(than))} onChange={changed} />}
        </Shown>
      )}
      {task === "delete" && (
        <Confirm
          title={`Delete the document ${room}?`}
          action="Delete"
          danger
          onConfirm={async () => {
            const { requestId } = await call("DELETE", path);
            changed();
            return { text: `The document ${room} and its versions are deleted.`, requestId };
          }}
          onClose={() => setTask(null)}
        >
          <p>This deletes the document and all its versions. The server disconnects everybody who has it open. Nobody can undo this. If you are in doubt, download it before.</p>
        </Confirm>
      )}
    </section>
  );
}

// namesIn returns what clients call their person, as most apps write it.
const namesIn = (states: Person["states"]) => [...new Set(states.map((state) => state?.user?.name ?? state?.name).filter((name) => typeof name === "string"))];

function People({ of: { sockets, people, more } }: { of: Presence }) {
  if (sockets === 0) return <p className="soft">Nobody has it open.</p>;
  return (
    <ul className="people" aria-label="Who has it open">
      {people.map(({ subject, sockets, writes, states }, i) => (
        <li key={subject ?? i} className="chip on">
          <i />
          <b>{subject ?? "somebody without a subject"}</b>
          <small>
            {namesIn(states).filter((name) => name !== subject).map((name) => `as ${name}, `)}
            {writes ? "may write" : "reads"}{sockets > 1 && `, ${sockets} connections`}
          </small>
        </li>
      ))}
      {more && <li className="chip">and others</li>}
    </ul>
  );
}
