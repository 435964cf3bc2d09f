import type { ReactNode } from "react";
import type { PendingRow } from "../pending.js";
import type { SocketInfo } from "../sockets.js";
import type { SyncRecord } from "../sync-log.js";
import type { RowName } from "./ExplainSection.js";
import type { Marks, RoomInfo } from "./inspect.js";

const clockTime = (millis: number) => new Date(millis).toLocaleTimeString();
const dateTime = (millis: number | null) => (millis === null ? "never" : new Date(millis).toLocaleString());

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

interface TableProps {
  /** The titles of the columns; those that begin with # are of numbers. */
  columns: readonly string[];
  rows: readonly { key: string; cells: readonly ReactNode[] }[];
  empty: string;
}

function Table({ columns, rows, empty }: TableProps) {
  if (rows.length === 0) return <p className="soft">{empty}</p>;
  const kind = (i: number) => (columns[i]!.startsWith("#") ? "number" : undefined);
  return (
    <table className="list">
      <thead>
        <tr>{columns.map((title, i) => <th key={title} scope="col" className={kind(i)}>{title.replace("#", "")}</th>)}</tr>
      </thead>
      <tbody>
        {rows.map(({ key, cells }) => (
          <tr key={key}>{cells.map((cell, i) => <td key={columns[i]} className={kind(i)}>{cell}</td>)}</tr>
        ))}
      </tbody>
    </table>
  );
}

export function PendingSection({ rows, onExplain }: { rows: readonly PendingRow[]; onExplain(row: RowName): void }) {
  return (
    <Section title={`Pending rows (${rows.length})`}>
      <Table
        columns={["Table", "Row", "State", "Fields", "Why"]}
        rows={rows.slice(0, 100).map(({ table, id, status, changed }) => ({
          key: `${table} ${id}`,
          cells: [
            table, <code>{id}</code>, status, status === "created" ? "all" : changed.join(", "),
            <button type="button" aria-label={`Explain ${table} ${id}`} onClick={() => onExplain({ table, id })}>Explain</button>,
          ],
        }))}
        empty="Nothing is pending. The server has every row of this device."
      />
      {rows.length > 100 && <p className="soft">and {rows.length - 100} more</p>}
    </Section>
  );
}

export function SyncsSection({ syncs }: { syncs: readonly SyncRecord[] }) {
  return (
    <Section title="Last syncs">
      <Table
        columns={["Began", "#ms", "#Pulled", "#Pushed", "#Rejected", "#Superseded", "Result"]}
        rows={syncs.slice(0, 20).map((sync, i) => ({
          key: `${sync.at} ${i}`,
          cells: [clockTime(sync.at), sync.millis, sync.pulled, sync.pushed, sync.rejected, sync.superseded, sync.error ?? (sync.replaced ? "replaced all rows" : "done")],
        }))}
        empty="No sync has ended yet."
      />
      {syncs.length > 20 && <p className="soft">and {syncs.length - 20} more</p>}
    </Section>
  );
}

export function MarksSection({ marks, clock }: { marks: Marks; clock: number | null }) {
  const offset = clock === null ? "unknown" : `${clock > 0 ? "+" : ""}${clock} ms (the server's minus this device's)`;
  return (
    <Section title="Marks">
      <dl>
        <dt>Sync</dt><dd>{marks.error === null ? marks.phase : `${marks.phase}: ${marks.error}`}</dd>
        <dt>Last sync</dt><dd>{dateTime(marks.lastSyncAt)}</dd>
        <dt>lastPulledAt</dt><dd>{marks.lastPulledAt === null ? "never pulled" : <><code>{marks.lastPulledAt}</code> ({dateTime(marks.lastPulledAt)})</>}</dd>
        <dt>Schema</dt><dd>version {marks.schemaVersion}</dd>
        <dt>Clock</dt><dd>{offset}</dd>
      </dl>
    </Section>
  );
}

export function SocketsSection({ sockets }: { sockets: readonly SocketInfo[] }) {
  return (
    <Section title="Sockets">
      <Table
        columns={["Path", "State", "Since", "Last message", "#Closes", "Last close"]}
        rows={sockets.map(({ url, state, since, lastMessageAt, closes, closed }) => ({
          key: url,
          cells: [
            url.replace(/^wss?:\/\/[^/]*/, ""), state, clockTime(since), lastMessageAt === null ? "none" : clockTime(lastMessageAt), closes,
            closed === null ? "none" : `${closed.code} ${closed.reason}`,
          ],
        }))}
        empty="No socket was opened."
      />
    </Section>
  );
}

export function RoomsSection({ rooms, closed }: { rooms: readonly RoomInfo[]; closed: readonly string[] }) {
  return (
    <Section title="Documents">
      <Table
        columns={["Room", "#Bytes", "State", "Edits"]}
        rows={rooms.map(({ id, bytes, synced, unsaved, error }) => ({
          key: id,
          cells: [id, bytes.toLocaleString(), synced ? "has all of the server" : "not connected", error ?? (unsaved ? "some are not on the server yet" : "all are on the server")],
        }))}
        empty="No document is open."
      />
      {closed.length > 0 && <p>Not open, with edits that the server may lack: {closed.join(", ")}</p>}
    </Section>
  );
}
