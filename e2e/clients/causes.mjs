// An oracle without a clock. A pushed row stays until somebody pushes another version of
// it, or superseded names it. It loses only to a version that its author had not seen.
// docs/protocol.md, U5 and c3.
import assert from "node:assert/strict";
import { tables, values } from "./model.mjs";

const content = (table, row) => JSON.stringify(values(table, row).slice(0, -1)); // without updated_at

export class Causes {
  rows = Object.fromEntries(tables.map((table) => [table, new Map()])); // by id: { row, stamp, dead }
  ties = new Set(); // the ids that a conflict changed without a later time; a time in the future may count as equal

  // pushed adds a push and its response. The order is that of the server.
  pushed({ changes, lastPulledAt }, { timestamp, superseded }) {
    for (const [table, { created, updated, deleted }] of Object.entries(changes)) {
      const rows = this.rows[table];
      for (const row of [...created, ...updated]) {
        const last = rows.get(row.id);
        if (superseded[table]?.includes(row.id)) {
          assert.ok(last?.dead || last?.stamp > lastPulledAt, `an edit of ${row.id} lost to one that its author had seen`);
          last.stamp = timestamp; // the push may give the winner a new stamp
        } else if (last && content(table, last.row) === content(table, row)) {
          last.stamp = timestamp; // likewise, if the stored time is another than the author's
        } else {
          if (last?.stamp > lastPulledAt && row.updated_at <= last.row.updated_at) this.ties.add(row.id);
          rows.set(row.id, { row, stamp: timestamp });
        }
      }
      for (const id of deleted) rows.set(id, { dead: true, row: {}, stamp: timestamp });
    }
  }

  // check compares the final rows with the pushes.
  check(everything) {
    for (const table of tables) {
      const alive = [...this.rows[table]].filter(([, { dead }]) => !dead);
      assert.deepEqual(everything[table].map(({ id }) => id), alive.map(([id]) => id).sort(), `the ${table} that were pushed and not deleted`);
      for (const row of everything[table]) {
        assert.equal(content(table, row), content(table, this.rows[table].get(row.id).row), `the last version of ${row.id} without a superseded id`);
      }
    }
  }
}
