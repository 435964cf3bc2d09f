import type { Database, Model } from "@nozbe/watermelondb";
import { nextUpdatedAt } from "tidemark-client";
import { Dialog } from "../Dialog";
import { go } from "../route";
import { parse } from "./RecordField";
import type { Kind } from "./kind";

/** A form for the fields of a new record. It creates the record and shows it. */
export function NewRecord<Record extends Model>({ kind, database, onClose }: { kind: Kind<Record>; database: Database; onClose(): void }) {
  const create = async (form: FormData) => {
    const record = await database.write(() =>
      database.get<Record>(kind.table).create((r) => {
        for (const { name, type } of kind.fields) r[name] = parse(type, String(form.get(name))) as Record[typeof name];
        r._setRaw("created_at", Date.now());
        r._setRaw("updated_at", nextUpdatedAt(null));
      }),
    );
    onClose();
    go(kind.table, record.id);
  };
  return (
    <Dialog title={`New ${kind.one}`} action="Create" onSubmit={create} onClose={onClose}>
      {kind.fields.map(({ name, label, type }, index) => (
        <label key={name}>
          {label}
          <input name={name} type={type} step="any" required={index === 0} autoFocus={index === 0} />
        </label>
      ))}
    </Dialog>
  );
}
