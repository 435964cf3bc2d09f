// An oracle that knows no clock. A pushed row either stays until somebody pushes another
// version of it, or its author is told; and it loses only to what its author had not seen.
// Sync contract, U5 and c3.
import assert from "node:assert/strict";
import { tables, values } from "./model.mjs";

const content = (table, row) => JSON.stringify(values(table, row).slice(0, -1)); // without updated_at

export class Causes {
  rows = Object.fromEntries(tables.map((table) => [table, new Map()])); // by id: { row, stamp, dead }
  ties = new Set(); // of ids that a conflict changed though the time was not later: equal times, as one in the future counts

  // pushed takes a push and its response, in the order in which the server took them.
  pushed({ changes, lastPulledAt }, { timestamp, superseded }) {
    for (const [table, { created, updated, deleted }] of Object.entries(changes)) {
      const rows = this.rows[table];
      for (const row of [...created, ...updated]) {
        const last = rows.get(row.id);
        if (superseded[table]?.includes(row.id)) {
          assert.ok(last?.dead || last?.stamp > lastPulledAt, `an edit of ${row.id} lost to one that its author had seen`);
          last.stamp = timestamp; // the response may have given the winner a new stamp
        } else if (last && content(table, last.row) === content(table, row)) {
          last.stamp = timestamp; // likewise, to tell the author the time that counts
        } else {
          if (last?.stamp > lastPulledAt && row.updated_at <= last.row.updated_at) this.ties.add(row.id);
          rows.set(row.id, { row, stamp: timestamp });
        }
      }
      for (const id of deleted) rows.set(id, { dead: true, row: {}, stamp: timestamp });
    }
  }

  // check holds what is everywhere in the end against it.
  check(everything) {
    for (const table of tables) {
      const alive = [...this.rows[table]].filter(([, { dead }]) => !dead);
      assert.deepEqual(everything[table].map(({ id }) => id), alive.map(([id]) => id).sort(), `the ${table} that were pushed and not deleted`);
      for (const row of everything[table]) {
        assert.equal(content(table, row), content(table, this.rows[table].get(row.id).row), `the last version of ${row.id} that nobody was told had lost`);
      }
    }
  }
}
