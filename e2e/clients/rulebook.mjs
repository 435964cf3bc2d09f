// The rules and checks of the tables of declared.mjs, written once more, and what the server has,
// by its export.
import assert from "node:assert/strict";
import { hear } from "./faults.mjs";
import { schemaOf } from "./watermelon.mjs";
import { tables } from "./declared.mjs";

export const names = Object.keys(tables);
const schema = schemaOf(tables);

// values returns a row's columns in declared order, created_at and updated_at last.
export const values = (table, row) => schema.tables[table].columnArray.map(({ name }) => row[name]);

const own = (row, { sub }) => row.owner_id === sub;
const shared = (row, caller) => own(row, caller) || (Boolean(row.team) && caller.teams.includes(row.team));
const everybody = () => true;

// The rules: each gets a row and a caller, {sub, teams, editor}.
export const rules = {
  visits: { read: own, write: own },
  places: { read: shared, write: shared },
  catalogue: { read: everybody, write: (_, { editor }) => editor },
  letters: { read: own, write: everybody },
};

const between = (v, min, max) => v === null || (v >= min && v <= max);

// passes says whether a row meets the checks of its table.
export function passes(table, row) {
  if (table === "catalogue") return row.price >= 1;
  if (table !== "visits") return true;
  return between(row.rating, 1, 5) && between(row.note && row.note.length, 2, 4) && ["lead", "active"].includes(row.status);
}

// A Truth is what the server has: in each table { row, dead } by id. A dead row has the columns
// that it had.
export class Truth {
  tables = Object.fromEntries(names.map((name) => [name, new Map()]));

  constructor(url, token) {
    Object.assign(this, { url, token });
  }

  // look reads what the server has, and returns what it had before.
  async look() {
    const before = this.tables;
    const now = Object.fromEntries(names.map((name) => [name, new Map()]));
    for (let cursor = ""; cursor !== null; ) {
      const answer = await hear(`${this.url}/export?cursor=${encodeURIComponent(cursor)}`, { headers: { authorization: `Bearer ${this.token}` } });
      const lines = (await answer.text()).trimEnd().split("\n").map((line) => JSON.parse(line));
      cursor = lines.at(-1).next;
      for (const { row: table, value } of lines) if (table in now) now[table].set(value.id, { row: value });
      for (const { tombstone: table, id } of lines) if (table in now) now[table].set(id, { row: before[table].get(id)?.row ?? { id }, dead: true });
    }
    this.tables = now;
    return before;
  }

  // visible returns the live rows that a caller may read, by table, in the order of their ids.
  visible(caller) {
    const live = (table) => [...this.tables[table].values()].filter(({ row, dead }) => !dead && rules[table].read(row, caller));
    return Object.fromEntries(names.map((table) => [table, live(table).map(({ row }) => row).sort((a, b) => (a.id < b.id ? -1 : 1))]));
  }
}

// contents are the rows of Truth.tables, to compare.
export function contents(all) {
  const rows = (table) => [...all[table]].map(([id, { row, dead }]) => [id, dead ? "dead" : values(table, row)]);
  return Object.fromEntries(names.map((table) => [table, Object.fromEntries(rows(table))]));
}

// A Judge knows what the server must reject.
export class Judge {
  rejected = new Set(); // what was rejected once, of whom: the same push is rejected again

  // judge checks the answer to a push: R1, R2, K1, U5. before and after are what the server had.
  judge(caller, { changes }, answer, before, after) {
    for (const table of names) {
      const { created = [], updated = [], deleted = [] } = changes[table] ?? {};
      const pushed = new Map([...created, ...updated].map((row) => [row.id, row]));
      const rejected = new Set((answer.rejected[table] ?? []).map(({ id }) => id));
      const superseded = answer.superseded[table] ?? [];
      for (const id of rejected) assert.ok(pushed.has(id) || deleted.includes(id), `R1: ${id} is rejected, and was not pushed`);
      for (const id of superseded) {
        assert.ok(pushed.has(id) && !rejected.has(id), `${id} is superseded, and rejected or not pushed`);
        assert.ok(this.mine(table, before[table].get(id), caller), `R1: ${id} is superseded, and not the caller's`);
      }
      for (const [id, row] of pushed) this.row(table, caller, row, before[table].get(id), after[table].get(id), rejected.has(id), superseded.includes(id));
      for (const id of deleted) this.deletion(table, caller, id, before[table].get(id), after[table].get(id), rejected.has(id));
      for (const [id, now] of after[table]) {
        if (!pushed.has(id) && !deleted.includes(id)) assert.deepEqual(now, before[table].get(id), `${id} was not pushed, and changed`);
      }
    }
  }

  mine(table, stored, caller) {
    return Boolean(stored) && rules[table].read(stored.row, caller) && rules[table].write(stored.row, caller);
  }

  row(table, caller, row, stored, now, rejected, superseded) {
    const allowed = passes(table, row) && rules[table].write(row, caller) && (!stored || this.mine(table, stored, caller));
    const same = (other) => other && !other.dead && JSON.stringify(values(table, other.row).slice(0, -2)) === JSON.stringify(values(table, row).slice(0, -2));
    const key = JSON.stringify([caller.sub, table, row.id, values(table, row)]);
    const what = `${caller.sub} pushes ${JSON.stringify(row)} over ${JSON.stringify(stored)}`;
    if (rejected) {
      this.rejects(key, allowed, now, stored, what);
    } else if (!superseded) {
      assert.ok(allowed || (passes(table, row) && same(stored)), `R2: it is not rejected: ${what}`);
      assert.ok(same(now), `U5: it is taken, and the server has ${JSON.stringify(now)}: ${what}`);
    }
  }

  rejects(key, allowed, now, stored, what) {
    assert.ok(!allowed || this.rejected.has(key), `it is rejected: ${what}`);
    assert.deepEqual(now, stored, `it is rejected and changes something: ${what}`);
    this.rejected.add(key);
  }

  deletion(table, caller, id, stored, now, rejected) {
    const could = table === "catalogue" ? caller.editor : true;
    const allowed = stored ? stored.dead || this.mine(table, stored, caller) : could;
    const key = JSON.stringify([caller.sub, table, id, "deleted"]);
    const what = `${caller.sub} deletes ${id}, ${JSON.stringify(stored)}`;
    if (rejected) {
      this.rejects(key, allowed, now, stored, what);
    } else {
      assert.ok(allowed, `R2: it is not rejected: ${what}`);
      assert.ok(now?.dead, `it is deleted, and the server has ${JSON.stringify(now)}: ${what}`);
    }
  }
}
