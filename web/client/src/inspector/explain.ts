// Why a row is as it is, in plain sentences: from the row here, what the server has of it, and the marks of the last pull.
import type { Row } from "../changes.js";
import type { Rejection } from "../source.js";

/** What `GET /sync/explain` returns of a row. */
export interface StoredRow {
  /** The server's last stamp, of all tables. */
  readonly timestamp: number;
  readonly horizon: number;
  readonly floor: number;
  /** `unknown`: the server has no such row that this person may read. */
  readonly state: "live" | "deleted" | "unknown";
  /** The stamp of the row's last change, or of its deletion. */
  readonly stamp: number | null;
  /** The greatest time of a push that was too far ahead of the server's clock. */
  readonly ahead: number | null;
  readonly row: Row | null;
}

export interface RowFacts {
  readonly table: string;
  readonly id: string;
  /** WatermelonDB's raw row, with `_status` and `_changed`; null if this device has none. */
  readonly here: Row | null;
  /** Null if nobody could ask the server. */
  readonly there: StoredRow | null;
  readonly lastPulledAt: number | null;
  /** Why the server rejected the last push of the row. */
  readonly rejection: Rejection | null;
  /** The server's clock minus the device's, in milliseconds. */
  readonly clockOffset: number | null;
  /** The time of the device's clock. */
  readonly now: number;
}

export type Verdict =
  | "synced"
  | "only here"
  | "edited here"
  | "edited there"
  | "edited on both sides"
  | "deleted here"
  | "deleted there"
  | "only there"
  | "not readable"
  | "server not asked";

/** Whose values stay at the next sync. `both`: a part of the columns each. */
export type Winner = "device" | "server" | "both" | null;

export interface ExplainedColumn {
  readonly name: string;
  /** Undefined if that side does not have the row. */
  readonly here: unknown;
  readonly there: unknown;
  /** The device wrote it since the server last had it. */
  readonly changed: boolean;
}

export interface Explanation {
  readonly verdict: Verdict;
  readonly winner: Winner;
  /** The first is the answer, and the others say why. */
  readonly sentences: readonly string[];
  readonly columns: readonly ExplainedColumn[];
}

const toleranceMillis = 5000; // of the server, for clocks that are ahead: docs/protocol.md, c2

const time = (millis: number) => new Date(millis).toISOString();
const list = (names: readonly string[]) => (names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`);
const isNumber = (value: unknown): value is number => typeof value === "number";

type Part = Omit<Explanation, "columns">;
type Known = Omit<RowFacts, "there"> & { there: StoredRow };

/** Explains a row. */
export function explainRow(facts: RowFacts): Explanation {
  const columns = columnsOf(facts);
  const { there, rejection } = facts;
  const part = there === null ? unasked(facts) : explained({ ...facts, there }, columns);
  const sentences = rejection === null ? part.sentences : [rejected(rejection), ...part.sentences];
  return { ...part, sentences, columns };
}

const rejected = ({ column, reason }: Rejection) =>
  `The server rejected the last push of this row: ${column === undefined ? "" : `${column}: `}${reason}. The kit does not push it again, unless you edit it.`;

function unasked({ here }: RowFacts): Part {
  const status = here?.["_status"];
  const first =
    here === null
      ? "This device does not have the row."
      : status === "synced"
        ? "This device has nothing to push of the row."
        : "This device has a change of the row that the server does not have yet.";
  return { verdict: "server not asked", winner: null, sentences: [first, "It is unknown what the server has."] };
}

function explained(facts: Known, columns: readonly ExplainedColumn[]): Part {
  const { here, there } = facts;
  if (there.state === "unknown") return unknown(facts);
  const status = here?.["_status"] ?? null;
  if (status === "deleted") return deletedHere(facts);
  if (there.state === "deleted") return deletedThere(facts, status);
  if (status === null) return onlyThere(facts);
  const differing = columns.filter(({ here, there }) => here !== there).map(({ name }) => name);
  return status === "synced" ? synced(facts, differing) : edited(facts, columns, differing);
}

const isNewer = ({ there, lastPulledAt }: Known) => there.stamp! > (lastPulledAt ?? 0);

function unknown({ here, there, lastPulledAt }: Known): Part {
  const first = "The server has no such row that you may read.";
  const why = "It never had the row, or has purged its deletion, or the rules of the table do not let you read it. The server does not say which.";
  const replaced = lastPulledAt !== null && (lastPulledAt < there.horizon || lastPulledAt < there.floor || lastPulledAt > there.timestamp);
  const next = replaced ? "The next pull replaces what this device has, because the server was restored or purged after the last pull." : "";
  const part = (verdict: Verdict, winner: Winner, ...sentences: string[]): Part => ({ verdict, winner, sentences: [...sentences, next].filter(Boolean) });
  switch (here?.["_status"]) {
    case undefined:
      return part("not readable", null, first, "This device does not have it either.", why);
    case "created":
      return part("only here", "device", "The row is only here.", "The next push creates it on the server, unless a rule or a check of the table forbids that.");
    case "deleted":
      return part("not readable", null, first, why, "This device has deleted the row. The next push makes that final, if the rules let you.");
    case "updated":
      return part("not readable", null, first, why, "The next push creates the row if the server never had it, and is rejected if the rules do not let you write it.");
    default:
      return part("not readable", "server", first, why, "A pull deletes it on this device if somebody took it from you or deleted it.");
  }
}

function deletedHere(facts: Known): Part {
  const { there } = facts;
  if (there.state === "deleted")
    return { verdict: "deleted here", winner: null, sentences: ["The row is deleted on both sides.", "The next sync has nothing to change on the server."] };
  const also = isNewer(facts) ? [`The server's row changed at ${time(there.stamp!)}, after this device's last pull. The deletion wins all the same.`] : [];
  return {
    verdict: "deleted here", winner: "device",
    sentences: ["This device has deleted the row, and the server does not know it yet.", "The next push deletes it for everybody. A deletion is final, whatever the clocks say.", ...also],
  };
}

function deletedThere({ there }: Known, status: unknown): Part {
  const first = `Somebody deleted the row: the server has its deletion since ${time(there.stamp!)}.`;
  const next =
    status === null
      ? "This device does not have it either."
      : status === "synced"
        ? "The next pull deletes it on this device."
        : "The next sync deletes it on this device, and your edits of it are lost: a deletion is final, whatever the clocks say.";
  return { verdict: "deleted there", winner: status === null ? null : "server", sentences: [first, next] };
}

function onlyThere(facts: Known): Part {
  const { there, lastPulledAt } = facts;
  const next = isNewer(facts)
    ? "The next pull brings it."
    : `Its stamp is not after this device's last pull (${lastPulledAt}), so a pull should have brought it. Did the app destroy it here, or does its schema lack the table?`;
  return { verdict: "only there", winner: "server", sentences: [`The server has the row since ${time(there.stamp!)}, and this device does not.`, next] };
}

function synced(facts: Known, differing: readonly string[]): Part {
  if (differing.length === 0) return { verdict: "synced", winner: null, sentences: ["The row is synced: both sides have the same."] };
  const first = `The server has another ${list(differing)}, and this device has nothing to push of the row.`;
  const next = isNewer(facts)
    ? `The server's row changed at ${time(facts.there.stamp!)}, after this device's last pull. The next pull brings it.`
    : `The row's stamp is not after this device's last pull (${facts.lastPulledAt}). Compare the schema of the app with the server's tables.`;
  return { verdict: "edited there", winner: "server", sentences: [first, next] };
}

function edited(facts: Known, columns: readonly ExplainedColumn[], differing: readonly string[]): Part {
  const mine = columns.filter(({ changed }) => changed).map(({ name }) => name);
  if (differing.length === 0)
    return { verdict: "synced", winner: null, sentences: ["Both sides have the same.", "The edit changed nothing, or its push arrived and the response did not. The next sync marks the row as synced."] };
  const first = `This device has edited ${list(mine)}, and the server does not have that yet.`;
  if (!isNewer(facts)) {
    const why = `The row on the server has not changed since this device's last pull: its stamp ${facts.there.stamp} is not after ${facts.lastPulledAt}.`;
    return { verdict: "edited here", winner: "device", sentences: [first, why, "The next push wins, whatever the clocks say.", ...skew(facts)] };
  }
  const theirs = differing.filter((name) => !mine.includes(name));
  const both = `The row on the server changed at ${time(facts.there.stamp!)}, too, after this device's last pull.`;
  const next =
    `The next sync pulls first. Your ${list(mine)} ${mine.length === 1 ? "stays" : "stay"}, and ` +
    (theirs.length === 0 ? "the server changed nothing else." : `${list(theirs)} ${theirs.length === 1 ? "is" : "are"} the server's. Then the kit pushes the merged row.`);
  return { verdict: "edited on both sides", winner: theirs.length === 0 ? "device" : "both", sentences: [first, both, next, ...clocks(facts), ...skew(facts)] };
}

// clocks says who would win a conflict: docs/protocol.md, c1 and c2.
function clocks({ here, there, lastPulledAt, clockOffset, now }: Known): string[] {
  const mine = here!["updated_at"];
  const theirs = there.row!["updated_at"];
  if (!isNumber(mine) || !isNumber(theirs)) return [];
  const believed = mine <= now + (clockOffset ?? 0) + toleranceMillis && mine > (there.ahead ?? 0);
  const counts = believed ? mine : Math.min(mine, (lastPulledAt ?? 0) + toleranceMillis);
  const clipped = counts === mine ? "" : ` The server does not believe that time, and counts ${time(counts)}.`;
  const winner = counts > theirs ? "your edit" : counts < theirs ? "the server's" : "the greater content";
  return [
    "If somebody writes the row between that pull and the push, the edit with the later updated_at wins, by the clocks of the two authors.",
    `Yours is ${time(mine)}.${clipped} The server's is ${time(theirs)}. Without that pull, ${winner} would win.`,
  ];
}

function skew({ clockOffset }: Known): string[] {
  if (clockOffset === null || Math.abs(clockOffset) <= toleranceMillis) return [];
  const seconds = Math.round(Math.abs(clockOffset) / 1000);
  return [`This device's clock is ${seconds} s ${clockOffset > 0 ? "behind" : "ahead of"} the server's.`];
}

function columnsOf({ here, there }: RowFacts): ExplainedColumn[] {
  const status = here?.["_status"];
  const mine = here !== null && status !== "deleted" ? here : null;
  const theirs = there?.row ?? null;
  const written = String(here?.["_changed"] ?? "").split(",");
  const names = Object.keys(mine ?? theirs ?? {}).filter((name) => !["id", "_status", "_changed"].includes(name));
  return names.map((name) => ({
    name, here: mine?.[name], there: theirs?.[name],
    changed: status === "created" || (status === "updated" && written.includes(name)),
  }));
}
