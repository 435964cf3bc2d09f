// The rows that the server must have after each push, one push at a time. An edit of a
// version that its author had seen is no conflict. For conflicts the model has the rule of
// shared/record/conflict.go.
import { createHash } from "node:crypto";
import { schema } from "./watermelon.mjs";

const toleranceMillis = 5000;

export const tables = Object.keys(schema.tables);

// values returns a row's columns in declared order, created_at and updated_at last.
export const values = (table, row) => schema.tables[table].columnArray.map(({ name }) => row[name]);

export class Model {
  stored = Object.fromEntries(tables.map((table) => [table, new Map()])); // by id: { row, ahead, stamp } or { dead }

  // push returns the ids that lose, by table. stamp is the stamp of the push.
  push({ changes, lastPulledAt }, nowMillis, stamp) {
    const superseded = {};
    for (const [table, { created, updated, deleted }] of Object.entries(changes)) {
      const lost = [...created, ...updated].filter((row) => !this.write(table, row, lastPulledAt, nowMillis, stamp));
      if (lost.length > 0) superseded[table] = lost.map(({ id }) => id).sort();
      for (const id of deleted) this.stored[table].set(id, { dead: true });
    }
    return superseded;
  }

  // write reports whether the server has the row's content after the push. A time in the
  // future counts as shortly after the pull, also when the push comes again later.
  write(table, { _status, _changed, ...row }, lastPulledAt, nowMillis, stamp) {
    const { row: old, ahead = 0, dead, stamp: was } = this.stored[table].get(row.id) ?? {};
    if (dead) return false;
    const claimed = row.updated_at;
    const future = claimed > nowMillis + toleranceMillis;
    if (future || claimed <= ahead) row.updated_at = Math.min(claimed, lastPulledAt + toleranceMillis);
    const seen = old && was <= lastPulledAt;
    const differs = old && compare(table, row, old);
    const wins = !old || row.updated_at > old.updated_at || (differs !== 0 && (seen || (row.updated_at === old.updated_at && differs > 0)));
    const timeDiffers = !wins && seen && claimed !== old.updated_at; // from the one that the author sent
    if (wins && seen) row.updated_at = Math.max(row.updated_at, old.updated_at + 1);
    this.stored[table].set(row.id, {
      row: wins ? row : old, ahead: future ? Math.max(claimed, ahead) : ahead, stamp: wins || timeDiffers ? stamp : was,
    });
    return wins || differs === 0;
  }

  // everything returns the live rows in the form of Client.everything().
  everything() {
    const live = (table) => [...this.stored[table].values()].filter(({ dead }) => !dead).map(({ row }) => row);
    return Object.fromEntries(tables.map((table) => [table, live(table).sort((a, b) => (a.id < b.id ? -1 : 1))]));
  }
}

// compare orders two versions of a row by their content. It returns 0 if they are equal.
function compare(table, a, b) {
  const content = (row) => Buffer.from(JSON.stringify(values(table, row).slice(0, -2)));
  return Buffer.compare(content(a), content(b)) || a.created_at - b.created_at;
}

// sumOf returns the checksum of the rows of a table, as the server computes it. values returns
// the columns of a row in declared order, created_at and updated_at last.
export function sumOf(rows, values) {
  const hash = createHash("sha256");
  for (const row of rows) hash.update(`${JSON.stringify([row.id, ...values(row)])}\n`);
  return { count: rows.length, checksum: hash.digest("hex") };
}
