import { useEffect, useId, useState, type Ref } from "react";
import type { Findings } from "./findings.js";
import type { ExplainedRow, Inspector } from "./inspect.js";

/** A row by its table and id. */
export interface RowName {
  readonly table: string;
  readonly id: string;
}

const longest = 120; // characters of a value

function text(value: unknown): string {
  if (value === undefined) return "";
  const whole = typeof value === "string" ? value : JSON.stringify(value);
  return whole.length > longest ? `${whole.slice(0, longest)}…` : whole;
}

interface Props {
  ref: Ref<HTMLElement>;
  inspector: Inspector;
  row: RowName | null;
  /** The section explains its row again when they change. */
  findings: Findings;
}

/** Explains the row that was chosen elsewhere, or one by its table and id. */
export function ExplainSection({ ref, inspector, row, findings }: Props) {
  const [asked, setAsked] = useState(row);
  const [table, setTable] = useState(row?.table ?? inspector.tables[0] ?? "");
  const [id, setId] = useState(row?.id ?? "");
  const [answer, setAnswer] = useState<ExplainedRow | null>(null);
  const heading = useId();

  useEffect(() => {
    setAsked(row);
    if (row === null) return;
    setTable(row.table);
    setId(row.id);
  }, [row?.table, row?.id]);

  // A sync, or an edit, makes another answer.
  const signs = JSON.stringify([findings.marks, findings.pending.find((pending) => pending.table === asked?.table && pending.id === asked.id)]);
  useEffect(() => {
    if (asked === null) return;
    let stopped = false;
    void inspector.explain(asked.table, asked.id).then((found) => {
      if (!stopped) setAnswer(found);
    });
    return () => void (stopped = true);
  }, [inspector, asked, signs]);

  const shown = answer?.table === asked?.table && answer?.id === asked?.id ? answer : null;
  return (
    <section ref={ref} tabIndex={-1} aria-labelledby={heading}>
      <h3 id={heading}>Explain a row</h3>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setAsked({ table, id: id.trim() });
        }}
      >
        <label>Table<select value={table} onChange={(event) => setTable(event.target.value)}>{inspector.tables.map((name) => <option key={name}>{name}</option>)}</select></label>
        <label>Id<input value={id} required onChange={(event) => setId(event.target.value)} /></label>
        <button type="submit">Explain</button>
      </form>
      <div role="status" className="answer">{shown !== null && <Sentences answer={shown} />}</div>
      {shown !== null && <Facts answer={shown} />}
    </section>
  );
}

function Sentences({ answer: { sentences, failure } }: { answer: ExplainedRow }) {
  return (
    <>
      {sentences.map((sentence) => <p key={sentence}>{sentence}</p>)}
      {failure !== null && <p className="soft">The reason: {failure}</p>}
    </>
  );
}

function Facts({ answer: { table, id, here, there, lastPulledAt, columns } }: { answer: ExplainedRow }) {
  return (
    <>
      <table className="fields" aria-label={`${table} ${id} here and on the server`}>
        <thead>
          <tr><th scope="col">Field</th><th scope="col">Here</th><th scope="col">On the server</th></tr>
        </thead>
        <tbody>
          {columns.map(({ name, here, there, changed }) => (
            <tr key={name} className={changed ? "changed" : undefined}>
              <td>{name}{changed && " (edited here)"}</td><td>{text(here)}</td><td>{text(there)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="soft">
        Here <code>_status</code> {text(here?.["_status"]) || "none"}, <code>_changed</code> {text(here?.["_changed"]) || "none"}, <code>lastPulledAt</code> {lastPulledAt ?? "none"}.{" "}
        {there !== null && <>On the server {there.state}, stamp {there.stamp ?? "none"}. The last stamp of all tables is {there.timestamp}.</>}
      </p>
    </>
  );
}
