// One row, as GET /sync/row returns it.
import type { Values } from "./tables";
import type { Verdict } from "./verdicts";

/** The response of GET /sync/row. */
export interface Detail {
  state: "live" | "deleted" | "unknown";
  horizon: number;
  floor: number;
  stamp: number | null;
  ahead: number | null;
  row: Values | null;
  verdicts: Verdict[];
}

/** The header by which the server changes nothing if the row has another stamp by now. */
export const ifMatch = (stamp: number | null | undefined): Record<string, string> => (stamp == null ? {} : { "if-match": `"${stamp}"` });
