// The edits of all devices. No edit is lost silently: each row that nobody deleted is
// there in the end, with values that somebody wrote.
import assert from "node:assert/strict";
import { tables } from "./model.mjs";

export class Ledger {
  rows = Object.fromEntries(tables.map((table) => [table, new Map()])); // by id: { written, writers, last, deleted }

  // wrote adds the columns that a replica wrote.
  wrote(replica, table, id, columns) {
    if (!this.rows[table].has(id)) this.rows[table].set(id, { written: {}, writers: new Set(), last: {}, deleted: false });
    const { written, writers, last } = this.rows[table].get(id);
    for (const [name, value] of Object.entries(columns)) (written[name] ??= new Set()).add(value);
    writers.add(replica);
    Object.assign(last, columns);
  }

  removed(table, id) {
    this.rows[table].get(id).deleted = true;
  }

  // check compares the final rows with the edits. A row that only one replica wrote is as
  // it left it, whatever its clock showed. Exceptions are ties: there an older version with
  // the same time arrived after a newer one.
  check(everything, ties) {
    for (const table of tables) {
      const alive = [...this.rows[table]].filter(([, { deleted }]) => !deleted).map(([id]) => id);
      assert.deepEqual(everything[table].map(({ id }) => id), alive.sort(), `the ${table} that were created and not deleted`);
      for (const row of everything[table]) {
        const { written, writers, last } = this.rows[table].get(row.id);
        const [only, ...others] = writers;
        for (const [name, value] of Object.entries(last)) {
          assert.ok(written[name].has(row[name]), `nobody wrote ${name} of ${row.id}: ${row[name]}`);
          if (others.length === 0 && !ties.has(row.id)) assert.equal(row[name], value, `${name} of ${row.id}, which only ${only.name} wrote`);
        }
      }
    }
  }
}
