import type { Model } from "@nozbe/watermelondb";
import { useEffect, useRef, useState } from "react";
import { edit } from "tidemark-client";
import type { Field } from "./kind";

/** Returns the value of an input's text; null if it is empty. */
export const parse = (type: Field<never>["type"], text: string): string | number | null =>
  text.trim() === "" ? null : type === "number" ? Number(text) : text;

const saveMillis = 400;

interface Props<Record extends Model> {
  record: Record;
  field: Field<Record>;
  /** Only screen readers get the label. */
  bare?: boolean;
  /** Screen readers get it behind the label, where the same label is there for several records. */
  of?: string;
  disabled?: boolean;
}

/** A field that saves while the person types, and shows the edits of others otherwise. */
export function RecordField<Record extends Model>({ record, field: { name, label, type, required = false, min, max }, bare = false, of, disabled = false }: Props<Record>) {
  const [draft, setDraft] = useState<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const pending = useRef<string | null>(null);
  const saved = record[name] as string | number | null;

  const save = () => {
    clearTimeout(timer.current);
    const text = pending.current;
    pending.current = null;
    if (text === null || record.syncStatus === "deleted") return;
    const value = parse(type, text);
    if (value === saved || Number.isNaN(value) || (value === null && required)) return;
    void record.database.write(() =>
      edit(record, (r) => {
        r[name] = value as Record[typeof name];
      }),
    );
  };
  const latest = useRef(save);
  useEffect(() => {
    latest.current = save;
  });
  useEffect(() => () => latest.current(), []); // the last text before the page changes

  return (
    <label>
      <span className={bare ? "unseen" : ""}>{label}</span>
      <input
        disabled={disabled}
        type={type}
        step="any"
        min={min}
        max={max}
        aria-label={of && `${label} of ${of}`}
        value={draft ?? String(saved ?? "")}
        onChange={(event) => {
          const { value, validity } = event.target;
          setDraft(value);
          pending.current = validity.badInput || validity.rangeUnderflow || validity.rangeOverflow ? null : value;
          clearTimeout(timer.current);
          timer.current = setTimeout(() => latest.current(), saveMillis);
        }}
        onBlur={() => {
          save();
          setDraft(null);
        }}
      />
    </label>
  );
}
