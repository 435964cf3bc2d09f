// What the server must have after each push, whoever sent it however often, for one
// push at a time: what its author had seen is no conflict, and of a conflict the rule is
// that of shared/record/conflict.go.
import { schema } from "./watermelon.mjs";

const toleranceMillis = 5000;

export const tables = Object.keys(schema.tables);

// values are a row's columns in declared order, created_at and updated_at last.
export const values = (table, row) => schema.tables[table].columnArray.map(({ name }) => row[name]);

export class Model {
  stored = Object.fromEntries(tables.map((table) => [table, new Map()])); // by id: { row, ahead, stamp } or { dead }

  // push returns the ids that lose, by table. stamp is what the server gave the push.
  push({ changes, lastPulledAt }, nowMillis, stamp) {
    const superseded = {};
    for (const [table, { created, updated, deleted }] of Object.entries(changes)) {
      const lost = [...created, ...updated].filter((row) => !this.write(table, row, lastPulledAt, nowMillis, stamp));
      if (lost.length > 0) superseded[table] = lost.map(({ id }) => id).sort();
      for (const id of deleted) this.stored[table].set(id, { dead: true });
    }
    return superseded;
  }

  // write says whether the content of the row is stored thereafter. A time from the
  // future counts as soon after the pull, and so it does ever after.
  write(table, { _status, _changed, ...row }, lastPulledAt, nowMillis, stamp) {
    const { row: old, ahead = 0, dead, stamp: was } = this.stored[table].get(row.id) ?? {};
    if (dead) return false;
    const claimed = row.updated_at;
    const future = claimed > nowMillis + toleranceMillis;
    if (future || claimed <= ahead) row.updated_at = Math.min(claimed, lastPulledAt + toleranceMillis);
    const seen = old && was <= lastPulledAt;
    const differs = old && compare(table, row, old);
    const wins = !old || row.updated_at > old.updated_at || (differs !== 0 && (seen || (row.updated_at === old.updated_at && differs > 0)));
    const told = !wins && seen && claimed !== old.updated_at; // what is stored has another time than its author believes
    if (wins && seen) row.updated_at = Math.max(row.updated_at, old.updated_at + 1);
    this.stored[table].set(row.id, {
      row: wins ? row : old, ahead: future ? Math.max(claimed, ahead) : ahead, stamp: wins || told ? stamp : was,
    });
    return wins || differs === 0;
  }

  // everything answers the live rows as Client does.
  everything() {
    const live = (table) => [...this.stored[table].values()].filter(({ dead }) => !dead).map(({ row }) => row);
    return Object.fromEntries(tables.map((table) => [table, live(table).sort((a, b) => (a.id < b.id ? -1 : 1))]));
  }
}

// compare orders two versions of a row by their content; 0 is the same.
function compare(table, a, b) {
  const content = (row) => Buffer.from(JSON.stringify(values(table, row).slice(0, -2)));
  return Buffer.compare(content(a), content(b)) || a.created_at - b.created_at;
}
