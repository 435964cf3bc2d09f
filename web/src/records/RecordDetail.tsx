import type { Model } from "@nozbe/watermelondb";
import { lazy, Suspense, useEffect, useReducer, useState } from "react";
import { edit } from "tidemark-client";
import { Dialog } from "../Dialog";
import { RecordField } from "./RecordField";
import type { Kind } from "./kind";

const textLimit = 4000; // characters of the rich text that the search finds

const RichText = lazy(() => import("./RichText"));

interface Props<Record extends Model> {
  kind: Kind<Record>;
  record: Record;
  onDeleted(): void;
}

/** Shows the fields and the rich text of a record, and deletes it. */
export default function RecordDetail<Record extends Model>({ kind, record, onDeleted }: Props<Record>) {
  const [, rerender] = useReducer((n: number) => n + 1, 0);
  const [deleting, setDeleting] = useState(false);
  useEffect(() => {
    const subscription = record.observe().subscribe({ next: rerender });
    return () => subscription.unsubscribe();
  }, [record]);

  const remove = async () => {
    await record.database.write(() => record.markAsDeleted());
    onDeleted();
  };

  const saveText = (text: string) => {
    const value = text.slice(0, textLimit);
    if (record.syncStatus === "deleted" || value === record[kind.text]) return;
    void record.database.write(() =>
      edit(record, (r) => {
        r[kind.text] = value as Record[typeof kind.text];
      }),
    );
  };

  return (
    <article>
      <div className="detail-head">
        <h2>{kind.title(record)}</h2>
        <button type="button" className="quiet danger-text" onClick={() => setDeleting(true)}>Delete</button>
      </div>
      <div className="fields">
        {kind.fields.map((field) => (
          <RecordField key={field.name} record={record} field={field} />
        ))}
      </div>
      <Suspense fallback={<p role="status">Opening…</p>}>
        <RichText roomId={kind.room(record.id)} label={kind.textLabel} placeholder={kind.placeholder} onText={saveText} />
      </Suspense>
      {deleting && (
        <Dialog title={`Delete ${kind.title(record)}?`} action="Delete" danger onSubmit={remove} onClose={() => setDeleting(false)}>
          <p>This deletes it on all devices.</p>
        </Dialog>
      )}
    </article>
  );
}
