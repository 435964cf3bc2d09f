import type { Model } from "@nozbe/watermelondb";

/** One field of the form. Its name is a property of the model. */
export interface Field<Record> {
  name: keyof Record & string;
  label: string;
  type: "text" | "number" | "url" | "date";
  /** Values outside of these are not saved. */
  min?: number | string;
  max?: number;
  /** The field does not save an empty text. */
  required?: boolean;
}

/** A kind of record: its table, and how the pages show it. */
export interface Kind<Record extends Model> {
  table: string;
  one: string;
  many: string;
  /** The columns that the list shows or searches. */
  columns: string[];
  fields: Field<Record>[];
  /** The property that holds the plain text of the rich text, for the search. */
  text: keyof Record & string;
  textLabel: string;
  placeholder: string;
  room(id: string): string;
  title(record: Record): string;
  subtitle(record: Record): string;
}
