import { useState } from "react";
import { call, Failure } from "../../api";
import { Confirm } from "../../Confirm";
import { many } from "../../words";
import { ifMatch, type Detail } from "./detail";
import { Shows } from "./Shows";
import { checks, show, type Column, type Table, type Value } from "./tables";

interface Props {
  table: Table;
  detail: Detail;
  path: string;
  /** The server has a newer row than detail. */
  onNewer(): void;
  onChange(): void;
  onClose(): void;
}

/** Edits the columns of a row. Only the changed ones are sent, for the row that the page shows: if there is a newer one, it asks again. */
export function EditRow({ table, detail, path, onNewer, onChange, onClose }: Props) {
  const { id } = detail.row!;
  const [before] = useState(detail.row!);
  const [draft, setDraft] = useState<Record<string, Value>>(before);
  const [asking, setAsking] = useState(false);
  const [stale, setStale] = useState(false);
  const changed = table.columns.filter(({ name }) => draft[name] !== before[name]);

  const save = async () => {
    const set = Object.fromEntries(changed.map(({ name }) => [name, draft[name]]));
    try {
      const { requestId } = await call("PATCH", path, { set }, { query: { table: table.name, id }, headers: ifMatch(detail.stamp) });
      onChange();
      onClose();
      return { text: `The row ${id} of ${table.name} has ${many(changed.length, "changed column")}: ${Object.keys(set).join(", ")}.`, requestId };
    } catch (error) {
      if (!(error instanceof Failure) || error.status !== 412) throw error;
      setStale(true);
      onNewer();
      throw new Error("Somebody changed this row meanwhile, and nothing was saved. Look at the newer values above. Save again to change these.");
    }
  };
  return (
    <>
      <form className="pane edit" aria-label={`Edit ${id}`} onSubmit={(event) => (event.preventDefault(), setAsking(true))}>
        {table.columns.map((column, i) => (
          <Field key={column.name} column={column} value={draft[column.name] ?? null} first={i === 0} onChange={(value) => setDraft({ ...draft, [column.name]: value })} />
        ))}
        <div className="actions">
          <button type="submit" className="primary" disabled={changed.length === 0}>Save…</button>
          <button type="button" onClick={onClose}>Cancel</button>
        </div>
      </form>
      {asking && (
        <Confirm title={`Save ${many(changed.length, "column")} of ${id}?`} action="Save" onConfirm={save} onClose={() => setAsking(false)}>
          <dl className="changes">
            {changed.map(({ name }) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd><del><Shows value={(stale ? detail.row! : before)[name]} /></del> <ins><Shows value={draft[name]} /></ins></dd>
              </div>
            ))}
          </dl>
          <p>The server writes the row as a push of its own: every device gets it at its next pull, also where the rules let nobody write.</p>
        </Confirm>
      )}
    </>
  );
}

interface FieldProps {
  column: Column;
  value: Value;
  first: boolean;
  onChange(value: Value): void;
}

const empty = { string: "", number: 0, boolean: false };

function Field({ column, value, first, onChange }: FieldProps) {
  const { name, type, optional, enum: list } = column;
  const options = type === "boolean" ? [true, false] : list;
  const read = (text: string): Value => (type === "string" ? text : type === "number" ? Number(text) : text === "true");
  const common = { disabled: value === null, autoFocus: first, "aria-describedby": checks(column) ? `checks-${name}` : undefined };
  return (
    <div className="field">
      <label>
        {name}
        {options ? (
          <select {...common} value={show(value)} onChange={({ currentTarget }) => onChange(read(currentTarget.value))}>
            {value !== null && !options.includes(value as never) && <option value={show(value)}>{show(value)}</option>}
            {value === null && <option value="null">null</option>}
            {options.map((option) => <option key={String(option)} value={String(option)}>{String(option)}</option>)}
          </select>
        ) : type === "number" ? (
          <input {...common} type="number" step="any" required value={value === null ? "" : String(value)} onChange={({ currentTarget }) => currentTarget.validity.valid && onChange(currentTarget.valueAsNumber)} />
        ) : (
          <textarea {...common} rows={Math.min(8, 1 + Math.floor(show(value).length / 40))} value={value === null ? "" : String(value)} onChange={({ currentTarget }) => onChange(currentTarget.value)} />
        )}
      </label>
      {optional && (
        <label className="choice">
          <input type="checkbox" aria-label={`${name} is null`} checked={value === null} onChange={({ currentTarget }) => onChange(currentTarget.checked ? null : (list?.[0] ?? empty[type]))} />
          null
        </label>
      )}
      {checks(column) && <small id={`checks-${name}`} className="soft">{checks(column)}</small>}
    </div>
  );
}
