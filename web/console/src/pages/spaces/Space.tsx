import { useState } from "react";
import { call } from "../../api";
import { Confirm } from "../../Confirm";
import { Empty, Shown, useLoad } from "../../load";
import { askMe, MeContext, useMay } from "../../me";
import { Needs } from "../../Needs";
import { hrefIn, inPlace } from "../../route";
import { Table } from "../../Table";
import { count, duration, many, size, time } from "../../words";
import { Export } from "./Export";
import { Links } from "./Links";

/** The response of GET /s/NAME/info. */
interface Info {
  name: string;
  created_at: number | null;
  bytes: number;
  stamp: number;
  subscribers: number;
  tables: Record<string, { rows: number; tombstones: number }>;
  documents: number;
  paused?: boolean;
}

/** What a space has, and what can be done with it as a whole. */
export function Space({ name }: { name: string }) {
  const me = useLoad(() => askMe(name), [name]);
  return (
    <>
      <p><a href={hrefIn("", ["spaces"])}>‹ All spaces</a></p>
      <h2>{name}</h2>
      <Shown of={me}>
        {(me) => (
          <MeContext.Provider value={me}>
            <Needs all={["sync:admin"]} place={name}><Whole name={name} /></Needs>
          </MeContext.Provider>
        )}
      </Shown>
    </>
  );
}

function Whole({ name }: { name: string }) {
  const load = useLoad(async (signal) => (await call<Info>("GET", inPlace(name, "/info"), undefined, { signal })).body, [name]);
  return (
    <Shown of={load}>
      {(info) =>
        info.created_at === null ? <Empty>There is no space {name}. The first write makes it.</Empty> : (
          <>
            <Facts info={info} />
            <Actions info={info} reload={load.reload} />
            <Table
              caption={`Tables of ${name}`} rows={Object.entries(info.tables)} keyOf={([table]) => table}
              columns={[
                { title: "Table", render: ([table]) => table },
                { title: "Rows", number: true, render: ([, { rows }]) => count(rows) },
                { title: "Tombstones", number: true, render: ([, { tombstones }]) => count(tombstones) },
              ]}
            />
          </>
        )
      }
    </Shown>
  );
}

function Facts({ info }: { info: Info }) {
  return (
    <section className="card" aria-label="Info">
      {info.paused && <p><span className="chip off"><i /> paused</span> Requests get 503 until the space is resumed.</p>}
      <dl className="facts two">
        <dt>Made</dt><dd>{time(info.created_at!)}, {duration(Date.now() - info.created_at!)} ago</dd>
        <dt>Size</dt><dd>{size(info.bytes)}</dd>
        <dt>Stamp</dt><dd>{info.stamp}</dd>
        <dt>Subscribers</dt><dd>{count(info.subscribers)}</dd>
        <dt>Documents</dt><dd>{count(info.documents)}</dd>
      </dl>
      <Links place={info.name} />
    </section>
  );
}

function Actions({ info, reload }: { info: Info; reload(): void }) {
  const [asking, setAsking] = useState<"pause" | "resume" | "delete">();
  const may = useMay();
  const close = () => setAsking(undefined);
  return (
    <>
      <div className="actions">
        <Export place={info.name} bytes={info.bytes} />
        {may("spaces:admin") && (
          <>
            <button type="button" onClick={() => setAsking(info.paused ? "resume" : "pause")}>{info.paused ? "Resume…" : "Pause…"}</button>
            <button type="button" className="danger-text" onClick={() => setAsking("delete")}>Delete…</button>
          </>
        )}
      </div>
      {asking === "pause" && <Pause name={info.name} reload={reload} onClose={close} />}
      {asking === "resume" && <Resume name={info.name} reload={reload} onClose={close} />}
      {asking === "delete" && <Delete info={info} onClose={close} />}
    </>
  );
}

interface Asked {
  name: string;
  reload(): void;
  onClose(): void;
}

function Pause({ name, reload, onClose }: Asked) {
  const pause = async () => {
    for (;;) {
      const { body, requestId } = await call<{ more: boolean }>("POST", inPlace(name, "/pause"));
      if (body.more) continue; // edits of documents are being copied
      reload();
      return { text: `The space ${name} is paused.`, requestId };
    }
  };
  return (
    <Confirm title={`Pause the space ${name}?`} action="Pause" onConfirm={pause} onClose={onClose}>
      <p>The server closes every socket of the space, and its requests get 503 until somebody resumes it. Apps keep their changes, and send them after that. While the space is paused, an export has every edit of every document.</p>
    </Confirm>
  );
}

function Resume({ name, reload, onClose }: Asked) {
  const resume = async () => {
    const { requestId } = await call("POST", inPlace(name, "/resume"));
    reload();
    return { text: `The space ${name} is resumed.`, requestId };
  };
  return (
    <Confirm title={`Resume the space ${name}?`} action="Resume" onConfirm={resume} onClose={onClose}>
      <p>Apps can read and write it again, and they connect by themselves.</p>
    </Confirm>
  );
}

function Delete({ info: { name, tables, documents }, onClose }: { info: Info; onClose(): void }) {
  const rows = Object.values(tables).reduce((sum, { rows }) => sum + rows, 0);
  const remove = async () => {
    const { requestId } = await call("DELETE", inPlace(name, ""));
    if (location.hash === hrefIn("", ["spaces", name])) location.hash = hrefIn("", ["spaces"]);
    return { text: `The space ${name} is deleted.`, requestId };
  };
  return (
    <Confirm title={`Delete the space ${name}?`} action="Delete" danger typed={name} onConfirm={remove} onClose={onClose}>
      <p>
        This deletes {many(rows, "row")}, {many(documents, "document")} with their versions, and all projects of the space. The server closes its sockets.
        Nobody can undo this: export the space before.
      </p>
    </Confirm>
  );
}
