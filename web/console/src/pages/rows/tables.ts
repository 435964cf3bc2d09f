// Tables and rows, as GET /sync/tables, /sync/rows and /sync/row return them.
import { many } from "../../words.ts";

export interface Column {
  name: string;
  type: "string" | "number" | "boolean";
  optional: boolean;
  since: number;
  max?: number;
  min?: number;
  enum?: (string | number)[];
  pattern?: string;
}

export interface Table {
  name: string;
  /** The rules, as tables.toml has them. */
  read: string;
  write: string;
  rows: number;
  tombstones: number;
  columns: Column[];
}

export type Value = string | number | boolean | null;
export type Values = { id: string; created_at: number; updated_at: number } & Record<string, Value>;

export interface ListedRow {
  state: "live" | "deleted";
  stamp: number;
  row: Values;
}

/** A value in one line. */
export const show = (value: Value | undefined) => (typeof value === "string" ? value : String(value ?? null));

/** The checks of a column: "at most 64 characters". */
export function checks({ type, max, min, enum: list, pattern }: Column): string {
  const of = (n: number) => (type === "string" ? many(n, "character") : String(n));
  return [
    min !== undefined && `at least ${of(min)}`,
    max !== undefined && `at most ${of(max)}`,
    list && `one of ${list.join(", ")}`,
    pattern !== undefined && `matches ${pattern}`,
  ].filter(Boolean).join("; ");
}

/** A rule of tables.toml in words: who may. */
export function who(rule: string): string {
  return rule.split(" or ").map((term) => {
    const [left = "", verb = "", right = ""] = term.trim().split(/\s+/);
    if (left === "all") return "everybody";
    if (left === "none") return "nobody";
    if (left === "scope") return `callers with ${verb} in the scope of their token`;
    return verb === "in" ? `callers whose claim ${right} has the row's ${left}` : `callers whose claim ${right} is the row's ${left}`;
  }).join(", and ");
}
