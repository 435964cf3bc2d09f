// A server of rows in memory, as a source of safeSyncDatabase(): stamps, tombstones, and of two edits the later wins.
import { none } from "./memory.mjs";

export class RowServer {
  stored = new Map(); // by table and id: { table, id, row, stamp }; row is null if it is deleted
  stamp = 1;
  requests = []; // their names
  pushes = []; // what push() got
  /** Called before and after each request, with its number. It may throw, or wait. */
  before = async (_number, _name) => {};
  after = async (_number, _name) => {};

  put(table, row) {
    this.stored.set(`${table} ${row.id}`, { table, id: row.id, row, stamp: ++this.stamp });
  }

  delete(table, id) {
    this.stored.set(`${table} ${id}`, { table, id, row: null, stamp: ++this.stamp });
  }

  titles() {
    return [...this.stored.values()].filter(({ row }) => row).map(({ row }) => row.title).sort();
  }

  pull(args) {
    return this.#request("pull", () => this.answer(args));
  }

  answer({ lastPulledAt }) {
    const changes = { notes: none(), tasks: none() };
    for (const { table, id, row, stamp } of this.stored.values()) {
      if (stamp <= (lastPulledAt ?? 0)) continue;
      if (row) changes[table].updated.push(row);
      else if (lastPulledAt) changes[table].deleted.push(id);
    }
    return { timestamp: this.stamp, changes };
  }

  push({ changes, lastPulledAt }) {
    this.pushes.push(changes);
    return this.#request("push", () => {
      const superseded = [];
      for (const [table, { created, updated, deleted }] of Object.entries(changes)) {
        for (const { _status, _changed, ...row } of [...created, ...updated]) {
          const old = this.stored.get(`${table} ${row.id}`);
          if (old && (old.row === null || (old.stamp > lastPulledAt && row.updated_at <= old.row.updated_at))) superseded.push({ table, id: row.id });
          else this.put(table, row);
        }
        for (const id of deleted) this.delete(table, id);
      }
      return { rejected: [], superseded };
    });
  }

  async #request(name, work) {
    const number = this.requests.push(name) - 1;
    await this.before(number, name);
    const answer = work();
    await this.after(number, name);
    return answer;
  }
}
