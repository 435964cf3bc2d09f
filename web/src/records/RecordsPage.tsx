import type { Database, Model } from "@nozbe/watermelondb";
import { lazy, Suspense, useMemo, useState } from "react";
import { useRecords } from "../observe";
import { go, href } from "../route";
import { NewRecord } from "./NewRecord";
import type { Kind } from "./kind";

// lazy() forgets type parameters.
const RecordDetail = lazy(() => import("./RecordDetail")) as unknown as typeof import("./RecordDetail").default;

const listLimit = 200;

/** Shows a list with a search, and beside it the record that the route names. */
export function RecordsPage<Record extends Model>({ kind, database, id }: { kind: Kind<Record>; database: Database; id: string | undefined }) {
  const query = useMemo(() => database.get<Record>(kind.table).query(), [database, kind]);
  const records = useRecords(query, kind.columns);
  const [search, setSearch] = useState("");
  const [adding, setAdding] = useState(false);

  const found = useMemo(() => {
    const wanted = search.trim().toLocaleLowerCase();
    const text = (r: Record) => `${kind.title(r)}\n${kind.subtitle(r)}\n${r[kind.text] ?? ""}`.toLocaleLowerCase();
    return (records ?? [])
      .filter((record) => text(record).includes(wanted))
      .sort((a, b) => kind.title(a).localeCompare(kind.title(b)));
  }, [records, search, kind]);
  const record = records?.find((r) => r.id === id);

  return (
    <div className={`split ${id === undefined ? "at-list" : "at-detail"}`}>
      <section className="list" aria-label={kind.many}>
        <div className="list-head">
          <h1>{kind.many}</h1>
          <button type="button" className="primary" onClick={() => setAdding(true)}>New {kind.one}</button>
        </div>
        <input type="search" aria-label={`Search ${kind.many.toLowerCase()}`} placeholder="Search" value={search} onChange={(e) => setSearch(e.target.value)} />
        <ul>
          {found.slice(0, listLimit).map((r) => (
            <li key={r.id}>
              <a href={href(kind.table, r.id)} aria-current={r.id === id ? "true" : undefined}>
                <b>{kind.title(r)}</b>
                <span>{kind.subtitle(r)}</span>
                {r.syncStatus !== "synced" && <i className="dot" title="not synced yet" />}
              </a>
            </li>
          ))}
        </ul>
        {found.length > listLimit && <p className="hint">{found.length - listLimit} more. Use the search to find them.</p>}
        {records !== undefined && found.length === 0 && (
          <p className="hint">{search === "" ? `No ${kind.many.toLowerCase()} yet.` : "Nothing found."}</p>
        )}
      </section>
      <section className="detail" aria-label={`The ${kind.one}`}>
        {id === undefined && <p className="hint">Select a {kind.one}, or create one.</p>}
        {id !== undefined && records !== undefined && record === undefined && (
          <p className="hint">This {kind.one} is not on this device. Somebody deleted it, or it has not synced yet.</p>
        )}
        {id !== undefined && <a className="back" href={href(kind.table)}>‹ {kind.many}</a>}
        <Suspense>{record && <RecordDetail key={record.id} kind={kind} record={record} onDeleted={() => go(kind.table)} />}</Suspense>
      </section>
      {adding && <NewRecord kind={kind} database={database} onClose={() => setAdding(false)} />}
    </div>
  );
}
