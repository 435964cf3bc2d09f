// One row, as GET /sync/row returns it, and its change.
import { call, Failure } from "../../api";
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

interface Change {
  method: "PATCH" | "DELETE";
  path: string;
  query: { table: string; id: string };
  body?: object;
  /** Of the row that the person sees. The server changes nothing if the row has another stamp by now. */
  stamp: number | null | undefined;
  /** The server has a newer row. */
  onNewer(): void;
}

/** Changes a row, and returns the request's id. */
export async function change({ method, path, query, body, stamp, onNewer }: Change): Promise<string> {
  try {
    return (await call(method, path, body, { query, headers: stamp == null ? {} : { "if-match": `"${stamp}"` } })).requestId;
  } catch (error) {
    if (!(error instanceof Failure) || error.status !== 412) throw error;
    onNewer();
    throw new Error("Somebody changed this row meanwhile, so the server changed nothing. The page now shows the newer values. Confirm again if you still want this.");
  }
}
