// Databases in the forms of op-sqlite and expo-sqlite. run(sql, parameters) returns a promise of rows, with bytes as Uint8Array.
import { DatabaseSync } from "node:sqlite";

/** Returns a function that runs a statement on a new database in memory and returns its rows. */
export function memory() {
  const database = new DatabaseSync(":memory:");
  return (sql, parameters = []) => database.prepare(sql).all(...parameters).map((row) => ({ ...row }));
}

export const forms = {
  "op-sqlite": (run) => ({
    async execute(sql, parameters = []) {
      const bound = parameters.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value));
      const rows = await run(sql, bound);
      for (const row of rows) for (const [name, value] of Object.entries(row)) if (value instanceof Uint8Array) row[name] = value.slice().buffer;
      return { rows, rowsAffected: 0 };
    },
  }),
  "expo-sqlite": (run) => ({ getAllAsync: (sql, parameters) => run(sql, parameters) }),
};
