// What the server keeps for single subjects about a row: docs/protocol.md, K2 and R3.
import { time } from "../../words.ts";
import { show, type Value } from "./tables.ts";

export interface Verdict {
  kind: "brought" | "rejected" | "rejected_deletion" | "withdrawn";
  /** Null: callers without a subject; of a withdrawn row everybody. */
  subject: string | null;
  stamp: number;
  /** Of a withdrawn row: the values by which some could read it before. Null: they are too long. */
  old?: Record<string, Value> | null;
}

/** A verdict as a sentence. */
export function sentenceOf({ kind, subject, stamp, old }: Verdict): string {
  const who = subject ?? "A caller without a subject";
  switch (kind) {
    case "brought":
      return `A pull of ${who} brings this row, or its deletion, if the device has not pulled since ${time(stamp)}.`;
    case "rejected":
      return `${who} pushed this row, and a check or a rule rejected it. The device had pulled at ${time(stamp)}.`;
    case "rejected_deletion":
      return `${who} deleted this row, and a rule rejected that. The device had pulled at ${time(stamp)}.`;
    case "withdrawn": {
      const before = old ? ` (${Object.entries(old).map(([name, value]) => `${name} was ${show(value)}`).join(", ")})` : "";
      return `At ${time(stamp)} the row changed so that some may no longer read it${before}. Their devices lose it at their next pull.`;
    }
  }
}
