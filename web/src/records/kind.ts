import type { Model } from "@nozbe/watermelondb";

/** One field of the form, by the model's property. */
export interface Field<Record> {
  name: keyof Record & string;
  label: string;
  type: "text" | "number" | "url";
  /** What is empty is not saved. */
  required?: boolean;
}

/** What the page of a table shows. */
export interface Kind<Record extends Model> {
  table: string;
  one: string;
  many: string;
  /** The columns that the list shows or searches. */
  columns: string[];
  fields: Field<Record>[];
  /** The property that keeps the plain text of the rich text, to search in. */
  text: keyof Record & string;
  textLabel: string;
  placeholder: string;
  room(id: string): string;
  title(record: Record): string;
  subtitle(record: Record): string;
}
