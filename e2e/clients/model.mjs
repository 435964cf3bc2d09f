// What the server must have after each push, whoever sent it however often:
// the rule of shared/record/conflict.go, for one push at a time.
import { schema } from "./watermelon.mjs";

const toleranceMillis = 5000;

export const tables = Object.keys(schema.tables);

// values are a row's columns in declared order, created_at and updated_at last.
export const values = (table, row) => schema.tables[table].columnArray.map(({ name }) => row[name]);

export class Model {
  stored = Object.fromEntries(tables.map((table) => [table, new Map()])); // by id: { row, ahead } or { dead }

  // push answers the ids that lose, by table.
  push({ changes, lastPulledAt }, nowMillis) {
    const superseded = {};
    for (const [table, { created, updated, deleted }] of Object.entries(changes)) {
      const lost = [...created, ...updated].filter((row) => !this.write(table, row, lastPulledAt, nowMillis));
      if (lost.length > 0) superseded[table] = lost.map(({ id }) => id).sort();
      for (const id of deleted) this.stored[table].set(id, { dead: true });
    }
    return superseded;
  }

  // write says whether the row is what is stored thereafter. A time from the
  // future counts as soon after the pull, and so it does ever after.
  write(table, { _status, _changed, ...row }, lastPulledAt, nowMillis) {
    const { row: old, ahead = 0, dead } = this.stored[table].get(row.id) ?? {};
    if (dead) return false;
    const claimed = row.updated_at;
    const future = claimed > nowMillis + toleranceMillis;
    if (future || claimed <= ahead) row.updated_at = Math.min(claimed, lastPulledAt + toleranceMillis);
    const order = old ? compare(table, row, old) : 1;
    this.stored[table].set(row.id, { row: order > 0 ? row : old, ahead: future ? Math.max(claimed, ahead) : ahead });
    return order >= 0;
  }

  // everything answers the live rows as Client does.
  everything() {
    const live = (table) => [...this.stored[table].values()].filter(({ dead }) => !dead).map(({ row }) => row);
    return Object.fromEntries(tables.map((table) => [table, live(table).sort((a, b) => (a.id < b.id ? -1 : 1))]));
  }
}

// compare orders two versions of a row: the greater one wins.
function compare(table, a, b) {
  const content = (row) => Buffer.from(JSON.stringify(values(table, row).slice(0, -2)));
  return a.updated_at - b.updated_at || Buffer.compare(content(a), content(b)) || a.created_at - b.created_at;
}
