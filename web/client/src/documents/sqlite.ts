// Documents in SQLite, for React Native. Every statement by itself leaves a valid storage, so none of this needs a
// transaction. A transaction would take in what the app does on the same connection meanwhile.
import type { DocumentStorage, DocumentStore, Place } from "./storage.js";

/** A database of op-sqlite or of expo-sqlite, as far as it is needed here. */
export type SqliteDatabase =
  | { execute(sql: string, parameters?: never[]): Promise<{ rows?: unknown }> }
  | { getAllAsync(sql: string, parameters: never[]): Promise<unknown[]> };

interface Row {
  id: number;
  room: string;
  data: Uint8Array | ArrayBuffer;
  unsaved: number;
}

type Query = (sql: string, ...parameters: (string | number | Uint8Array)[]) => Promise<Row[]>;

// queryOf hides what differs between the two: op-sqlite takes and returns bytes as an ArrayBuffer.
function queryOf(database: SqliteDatabase): Query {
  if ("getAllAsync" in database) return async (sql, ...parameters) => (await database.getAllAsync(sql, parameters as never[])) as Row[];
  return async (sql, ...parameters) => {
    const values = parameters.map((value) => (value instanceof Uint8Array ? value.slice().buffer : value));
    return ((await database.execute(sql, values as never[])).rows ?? []) as Row[];
  };
}

const schema = [
  `CREATE TABLE IF NOT EXISTS tidemark_documents (
    id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, room TEXT NOT NULL, data BLOB NOT NULL, unsaved INTEGER NOT NULL)`,
  "CREATE INDEX IF NOT EXISTS tidemark_documents_room ON tidemark_documents (owner, room, id)",
  "CREATE INDEX IF NOT EXISTS tidemark_documents_unsaved ON tidemark_documents (owner, room) WHERE unsaved = 1",
];

const bytesOf = ({ data }: Row) => (data instanceof Uint8Array ? data : new Uint8Array(data));

/**
 * Stores documents in a database of op-sqlite or expo-sqlite. Give it a database of its own: in an open transaction of
 * the app an update would look stored and could still be rolled back.
 */
export function sqliteDocuments(database: SqliteDatabase): DocumentStorage {
  const raw = queryOf(database);
  let made: Promise<unknown> | null = null;
  const query: Query = async (...statement) => {
    made ??= (async () => {
      for (const sql of schema) await raw(sql);
    })();
    await made.catch((error) => {
      made = null; // the next statement tries again
      throw error;
    });
    return raw(...statement);
  };
  const known = new Map<string, Set<string>>(); // the unsaved rooms of each owner
  const knownOf = (owner: string) => {
    const rooms = known.get(owner) ?? new Set();
    known.set(owner, rooms);
    return rooms;
  };
  return {
    open: (place) => new SqliteStore(query, place, knownOf(place.owner)),
    async unsaved({ owner }) {
      const rows = await query("SELECT DISTINCT room FROM tidemark_documents WHERE owner = ? AND unsaved = 1", owner);
      const rooms = knownOf(owner);
      for (const { room } of rows) rooms.add(room);
      return [...rooms]; // also what the disk did not take
    },
    unsavedNow: (owner) => [...knownOf(owner)],
    async remove(owner) {
      await query("DELETE FROM tidemark_documents WHERE owner = ?", owner);
      knownOf(owner).clear();
    },
  };
}

class SqliteStore implements DocumentStore {
  #loaded = 0; // this store has loaded every row up to this one
  #own: number[] = []; // and appended these

  constructor(
    readonly query: Query,
    readonly place: Place,
    readonly known: Set<string>,
  ) {}

  #rows(rest: string, ...parameters: (number | Uint8Array)[]): Promise<Row[]> {
    const { owner, room } = this.place;
    return this.query(`${rest} AND owner = ? AND room = ?`, ...parameters, owner, room);
  }

  async load() {
    const rows = await this.#all();
    this.#loaded = rows[rows.length - 1]?.id ?? 0;
    return { updates: rows.map(bytesOf), unsaved: rows.some((row) => row.unsaved === 1) };
  }

  async #all() {
    return (await this.#rows("SELECT id, data, unsaved FROM tidemark_documents WHERE 1")).sort((a, b) => a.id - b.id);
  }

  async append(update: Uint8Array, unsaved: boolean) {
    const note = () => void (unsaved && this.known.add(this.place.room));
    note(); // now, as the disk may fail
    this.#own.push(await this.#insert(update, unsaved));
    note(); // another room may have taken it meanwhile
  }

  async #insert(update: Uint8Array, unsaved: boolean): Promise<number> {
    const { owner, room } = this.place;
    const sql = "INSERT INTO tidemark_documents (owner, room, data, unsaved) VALUES (?, ?, ?, ?) RETURNING id";
    return (await this.query(sql, owner, room, update, unsaved ? 1 : 0))[0]!.id;
  }

  async saved() {
    await this.#rows(`UPDATE tidemark_documents SET unsaved = 0 WHERE unsaved = 1 AND (id <= ? OR id IN (${this.#own.join()}))`, this.#loaded);
    const left = await this.#rows("SELECT id FROM tidemark_documents WHERE unsaved = 1");
    if (left.length === 0) this.known.delete(this.place.room);
  }

  // First the whole document gets a row, with the mark that any row had, and then the others go. The row is a new one:
  // another room takes the marks of the rows that it knows, and it may not know all that is in this one.
  async compact(least: number, merge: (updates: Uint8Array[]) => Uint8Array) {
    const rows = await this.#all();
    if (rows.length < least) return [];
    const own = new Set(this.#own);
    const others = rows.filter(({ id }) => id > this.#loaded && !own.has(id));
    const last = rows[rows.length - 1]!.id;
    const whole = await this.#insert(merge(rows.map(bytesOf)), rows.some(({ unsaved }) => unsaved === 1));
    [this.#loaded, this.#own] = [last, [whole]];
    await this.#rows("DELETE FROM tidemark_documents WHERE id <= ?", last);
    return others.map(bytesOf);
  }

  close() {}
}
