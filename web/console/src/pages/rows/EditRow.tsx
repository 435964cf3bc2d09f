import { useEffect, useRef, useState } from "react";
import { Confirm } from "../../Confirm";
import { many } from "../../words";
import { change, type Detail } from "./detail";
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
    const newer = () => (setStale(true), onNewer());
    const requestId = await change({ method: "PATCH", path, query: { table: table.name, id }, body: { set }, stamp: detail.stamp, onNewer: newer });
    onChange();
    onClose();
    return { text: `The row ${id} of ${table.name} has ${many(changed.length, "changed column")}: ${Object.keys(set).join(", ")}.`, requestId };
  };
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.querySelector<HTMLElement>("select, input, textarea")?.focus(), []);
  return (
    <>
      <form ref={form} className="pane edit" aria-label={`Edit ${id}`} onSubmit={(event) => (event.preventDefault(), setAsking(true))}>
        {table.columns.map((column) => (
          <Field key={column.name} column={column} value={draft[column.name] ?? null} onChange={(value) => setDraft({ ...draft, [column.name]: value })} />
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
          <p>The server pushes the row itself, so the rules that say who may write do not count. Devices get the row at their next pull.</p>
        </Confirm>
      )}
    </>
  );
}

interface FieldProps {
  column: Column;
  value: Value;
  onChange(value: Value): void;
}

const empty = { string: "", number: 0, boolean: false };

function Field({ column, value, onChange }: FieldProps) {
  const { name, type, optional, enum: list } = column;
  const options = type === "boolean" ? [true, false] : list;
  const read = (text: string): Value => (type === "string" ? text : type === "number" ? Number(text) : text === "true");
  const common = { disabled: value === null, "aria-describedby": checks(column) ? `checks-${name}` : undefined };
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
          // The box keeps what the person types: with the value written back, "1.0" would become "1" on the way to "1.05".
          <input {...common} key={String(value === null)} type="number" step="any" required defaultValue={value === null ? "" : String(value)} onChange={({ currentTarget }) => currentTarget.validity.valid && onChange(currentTarget.valueAsNumber)} />
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
