import { useEffect, useRef, useState } from "react";
import { call } from "../../api";
import { Confirm } from "../../Confirm";
import { Shown, useLoad } from "../../load";
import { useMay } from "../../me";
import { href, inPlace, useRoute } from "../../route";
import { time } from "../../words";
import { change, type Detail } from "./detail";
import { EditRow } from "./EditRow";
import { Shows } from "./Shows";
import type { Table, Values } from "./tables";
import { sentenceOf } from "./verdicts";

interface Props {
  table: Table;
  id: string;
  /** The link to the list without this row. */
  back: string;
  /** The row was changed. */
  onChange(): void;
}

/** All that the server has of one row, and its edit and deletion. */
export function RowPanel({ table, id, back, onChange }: Props) {
  const { place } = useRoute();
  const may = useMay();
  const [task, setTask] = useState<"edit" | "delete" | null>(null);
  const title = useRef<HTMLHeadingElement>(null);
  const path = inPlace(place, "/sync/row");
  const query = { table: table.name, id };
  const detail = useLoad(async (signal) => (await call<Detail>("GET", path, undefined, { query, signal })).body, [path, table.name, id]);
  const changed = () => (detail.reload(), onChange());
  useEffect(() => title.current?.focus(), []);
  return (
    <aside className="card pane panel" aria-label={`Row ${id}`}>
      <div>
        <a className="up" href={back}>‹ Rows of {table.name}</a>
        <div className="head">
          <h2 ref={title} tabIndex={-1}>{id}</h2>
          {detail.value && <span className={`chip ${states[detail.value.state]}`}><i />{detail.value.state}</span>}
        </div>
      </div>
      <Shown of={detail}>
        {(of) => (
          <>
            {of.state === "unknown" && <p>The server has no row with this id. Either it never had one, or a purge has forgotten its deletion.</p>}
            {task === "edit" && of.row ? (
              <EditRow table={table} detail={of} path={path} onNewer={detail.reload} onChange={changed} onClose={() => (setTask(null), title.current?.focus())} />
            ) : (
              <>
                {of.row && <Content table={table} row={of.row} />}
                {of.state === "live" && may("sync:write") && (
                  <div className="actions">
                    <button type="button" onClick={() => setTask("edit")}>Edit</button>
                    <button type="button" className="danger-text" onClick={() => setTask("delete")}>Delete</button>
                  </div>
                )}
              </>
            )}
            <Facts of={of} />
            <section aria-label="Verdicts">
              <h3>Verdicts</h3>
              {of.verdicts.length === 0 ? <p className="soft">The server keeps nothing about this row for a single user. Its stamp and the rule decide who gets it.</p> : (
                <ul className="bullets">{of.verdicts.map((verdict, i) => <li key={i}>{sentenceOf(verdict)}</li>)}</ul>
              )}
            </section>
            <p><a href={href(["rows", table.name, "as"], { id })}>Why does a user not see this row?</a></p>
          </>
        )}
      </Shown>
      {task === "delete" && (
        <Confirm
          title={`Delete the row ${id}?`}
          action="Delete"
          danger
          onConfirm={async () => {
            const requestId = await change({ method: "DELETE", path, query, stamp: detail.value?.stamp, onNewer: detail.reload });
            changed();
            return { text: `The row ${id} of ${table.name} is deleted.`, requestId };
          }}
          onClose={() => setTask(null)}
        >
          <p>Each device that has the row deletes it at its next pull. Nobody can undo this. A new row needs another id.</p>
        </Confirm>
      )}
    </aside>
  );
}

const states = { live: "on", deleted: "bad", unknown: "off" };

function Content({ table, row }: { table: Table; row: Values }) {
  return (
    <dl className="facts">
      {table.columns.map(({ name }) => (
        <div key={name}><dt>{name}</dt><dd><Shows value={row[name]} /></dd></div>
      ))}
    </dl>
  );
}

function Facts({ of: { state, stamp, row, ahead } }: { of: Detail }) {
  if (stamp === null) return null;
  return (
    <dl className="facts times">
      <div>
        <dt>stamp</dt>
        <dd>{time(stamp)} <code>{stamp}</code><small>{state === "deleted" ? "When it was deleted" : "The last change"}, by the server's clock. It decides what a pull brings.</small></dd>
      </div>
      {row && (
        <>
          <div><dt>updated_at</dt><dd>{time(row.updated_at)} <code>{row.updated_at}</code><small>The last edit, by the clock of its author. It decides a conflict.</small></dd></div>
          <div><dt>created_at</dt><dd>{time(row.created_at)} <code>{row.created_at}</code></dd></div>
        </>
      )}
      {ahead !== null && <div><dt>ahead</dt><dd>{time(ahead)} <code>{ahead}</code><small>A device with a wrong clock pushed this time, which is too far ahead. It does not count.</small></dd></div>}
    </dl>
  );
}
