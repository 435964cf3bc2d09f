// A person's session on a device: from the sign-in to the sign-out. What begins in it ends with it.
import type { Database } from "@nozbe/watermelondb";
import { openRooms } from "./documents/open-rooms.js";
import type { DocumentStorage } from "./documents/storage.js";
import { readUnsavedRooms } from "./documents/unsaved.js";
import { countUnsynced } from "./pending.js";
import { refuseSync, safeSyncDatabase } from "./safe-sync.js";
import { storageName, type Server } from "./server.js";
import { forgetSockets } from "./sockets.js";
import type { SyncSource } from "./source.js";
import { syncTriggers, type TriggerOptions } from "./triggers.js";
import { together, unsyncedTables, type RoomWork, type Tables, type UnsyncedWork } from "./work.js";

export { unsyncedWork, type RoomWork, type TableWork, type UnsyncedWork } from "./work.js";

/** Where a session notes which of its databases have unsynced rows. */
export interface SessionStorage {
  keys(): string[];
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface SessionOptions {
  /** Such as `https://tidemark.example`, without a slash at the end. */
  url: string;
  /** The subject of the person's tokens. */
  subject: string;
  /** Returns the app's current token; null if there is none. The session uses only a token of its subject. */
  token(): string | null;
  /** Returns the subject of a token; the claim `sub` of a JWT if absent. Give it if the server's AUTH_CLAIMS names another claim. */
  subjectOf?(token: string): string | null;
  /** The time limit of a response, as in Server. */
  timeoutMillis?: number;
  /** localStorage if absent. A platform without it must give what keeps notes over a restart. */
  storage?: SessionStorage;
  /** Where the device stores documents: IndexedDB if absent. In React Native sqliteDocuments(). */
  documents?: DocumentStorage;
}

export interface DatabaseOptions {
  /** The name of a space; the server's root if absent. */
  space?: string;
  /** What the app calls the database in this space, `rows` if absent. Two databases of a space have two names. */
  name?: string;
}

export interface SessionSyncOptions extends Omit<TriggerOptions, "server">, DatabaseOptions {}

export interface EndOptions {
  /** How long the end may wait for a last sync of what the server does not have yet, 0 if absent. */
  lastSyncMillis?: number;
}

interface Kept {
  database: Database;
  readonly space: string;
  /** Whether it is the person's, and of this space. */
  mine: Promise<boolean>;
  /** How often the database was reset before. A reset takes the mark of its owner. */
  resets: number;
  source?: SyncSource;
  /** Stops the triggers. */
  stop?(): void;
}

const ownerKey = "tidemark_owner"; // in a database
const ended = () => new Error("This session has ended on this device.");

/** Returns the claim `sub` of a JWT, unverified; null if there is none. */
function subOf(token: string): string | null {
  try {
    const body = token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/");
    const escaped = Array.from(atob(body), (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
    return JSON.parse(decodeURIComponent(escaped.join(""))).sub ?? null;
  } catch {
    return null;
  }
}

function browserStorage(): SessionStorage | null {
  const { localStorage } = globalThis;
  if (!localStorage) return null;
  return {
    keys: () => Object.keys(localStorage),
    getItem: (key) => localStorage.getItem(key),
    setItem: (key, value) => localStorage.setItem(key, value),
    removeItem: (key) => localStorage.removeItem(key),
  };
}

/**
 * A person's session on this device. It gives the person's servers to the rest of the kit, starts syncs, and says what is
 * unsynced. After end() nothing of it sends a request, whatever still runs.
 */
export class Session {
  readonly subject: string;
  readonly #options: SessionOptions;
  readonly #storage: SessionStorage;
  readonly #controller = new AbortController();
  readonly #servers = new Map<string, Server>();
  readonly #databases = new Map<string, Kept>(); // by the keys of their notes
  readonly #notes = new Map<string, Promise<void>>(); // the last note of each database
  readonly #unwatch: (() => void)[] = [];
  readonly #tabs: BroadcastChannel | undefined; // the sessions of the same person in other tabs
  #ending: Promise<UnsyncedWork> | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.subject = options.subject;
    const storage = options.storage ?? browserStorage();
    if (storage === null) throw new Error("A session needs the option storage where there is no localStorage.");
    if (options.subjectOf === undefined && typeof atob === "undefined") throw new Error("A session needs the option subjectOf where there is no atob().");
    this.#storage = storage;
    if (typeof BroadcastChannel === "undefined") return;
    this.#tabs = new BroadcastChannel(storageName(options, this.subject, "session"));
    this.#tabs.onmessage = ({ data }: { data: EndOptions }) => void this.#begin(data);
    (this.#tabs as { unref?(): void }).unref?.(); // Node would wait for it
  }

  /** Aborted when the session ends. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Returns the server as the person sees it in a space, always the same object. */
  server(space = ""): Server {
    const { url, timeoutMillis } = this.#options;
    const limit = timeoutMillis === undefined ? {} : { timeoutMillis };
    const server = this.#servers.get(space) ?? { url, space, signal: this.signal, token: () => this.#token(), ...limit };
    this.#servers.set(space, server);
    return server;
  }

  #token(): string | null {
    const { token, subjectOf = subOf } = this.#options;
    const current = this.signal.aborted ? null : token();
    return current !== null && subjectOf(current) === this.subject ? current : null;
  }

  /**
   * Makes a database part of the session: unsyncedWork() counts its rows, and the end waits for its sync. sync() does this. An app
   * that calls safeSyncDatabase() itself does it before. Resolves to whether the database is the person's, and of this space.
   */
  keep(database: Database, { space = "", name = "rows" }: DatabaseOptions = {}): Promise<boolean> {
    return this.#keep(database, space, name).mine;
  }

  #keep(database: Database, space: string, name: string): Kept {
    const key = storageName(this.server(space), this.subject, "unsynced", name);
    const known = this.#databases.get(key);
    if (known?.database === database) return known;
    known?.stop?.();
    const kept: Kept = { database, space, mine: this.#claim(database, space), resets: database._resetCount };
    this.#databases.set(key, kept);
    kept.mine.catch(() => this.#databases.get(key) === kept && this.#databases.delete(key)); // the next call reads the mark again
    const changes = database.withChangesForTables(Object.keys(database.collections.map));
    const watching = changes.subscribe(() => void this.#note(kept, key).catch(() => {})); // who asks for the work gets the error
    this.#unwatch.push(() => watching.unsubscribe());
    return kept;
  }

  /**
   * Keeps a database in sync, as syncTriggers() does, until the session ends or the returned function is called. If the
   * database is another person's or another space's, it syncs nothing, and the state is refused.
   */
  sync(database: Database, source: SyncSource, { space = "", name = "rows", ...options }: SessionSyncOptions = {}): () => void {
    if (this.#ending !== null) return () => {};
    const kept = this.#keep(database, space, name);
    kept.stop?.();
    let stop: (() => void) | null = () => {};
    kept.source = source;
    kept.stop = () => (stop?.(), (stop = null));
    void kept.mine.then((mine) => {
      if (stop === null) return;
      if (mine) stop = syncTriggers(database, source, { ...options, server: this.server(space) });
      else void refuseSync(database, new Error("This database belongs to another person or another space."));
    }, (error) => refuseSync(database, error));
    return kept.stop;
  }

  // claim marks a database as the person's, and reports whether it is.
  async #claim(database: Database, space: string): Promise<boolean> {
    const owner = storageName(this.server(space), this.subject);
    const before = await database.localStorage.get<string>(ownerKey);
    if (before === undefined || before === null) await database.localStorage.set(ownerKey, owner);
    return (before ?? owner) === owner;
  }

  // note writes down what is unsynced in a database, after the notes before it.
  #note(kept: Kept, key: string): Promise<void> {
    const noted = (this.#notes.get(key) ?? Promise.resolve()).catch(() => {}).then(async () => {
      const { database, space } = kept;
      if (kept.resets !== database._resetCount && !this.signal.aborted) {
        kept.resets = database._resetCount;
        await (kept.mine = this.#claim(database, space));
      }
      const tables = (await kept.mine) ? await unsyncedTables(database) : {}; // another person's rows are no work of this one
      if (Object.keys(tables).length > 0) this.#storage.setItem(key, JSON.stringify(tables));
      else this.#storage.removeItem(key);
    });
    this.#notes.set(key, noted);
    return noted;
  }

  /**
   * Returns what the person has written on this device and the server does not have yet: in a space, or in all of them. It
   * knows of each database that a session of this subject has kept here, and counts those of this session anew. In React Native it knows of the
   * rooms of those spaces whose server() this session has given.
   */
  async unsyncedWork(space?: string): Promise<UnsyncedWork> {
    await Promise.all([...this.#databases].map(([key, kept]) => this.#note(kept, key)));
    const prefix = storageName({ url: this.#options.url }, this.subject); // with an empty space at the end
    const tables: Tables[] = [];
    const rooms = new Map<string, RoomWork>();
    const add = (of: string, id: string) => rooms.set(JSON.stringify([of, id]), { space: of, id });
    const wanted = (of: string) => space === undefined || of === space;
    for (const key of this.#storage.keys().filter((one) => one.startsWith(prefix))) {
      const [of = "", kind, id = ""] = key.slice(prefix.length).split(",").map(decodeURIComponent);
      if (kind === "unsynced" && wanted(of)) tables.push(JSON.parse(this.#storage.getItem(key) ?? "{}"));
      if (kind === "unsaved" && wanted(of)) add(of, id);
    }
    for (const of of new Set(["", ...this.#servers.keys()])) {
      if (!wanted(of)) continue;
      for (const id of await this.#unsavedRooms(of)) add(of, id);
      const owner = storageName(this.server(of), this.subject);
      for (const room of openRooms()) if (room.owner === owner && room.unsaved) add(of, room.id); // also what the disk did not take
    }
    return together(tables, [...rooms.values()]);
  }

  // unsavedRooms asks the disk. A browser that crashed may have lost what localStorage knew.
  async #unsavedRooms(space: string): Promise<string[]> {
    const { documents } = this.#options;
    if (documents === undefined && typeof indexedDB === "undefined") return [];
    return readUnsavedRooms({ server: this.server(space), subject: this.subject, documents });
  }

  /**
   * Ends the session, here and in the other tabs of the browser. In this order: it stops the triggers; it syncs a last time, if there is time; it ends all
   * requests, sockets and waits for new tries; and it waits until nothing writes to the databases. Returns what the server does
   * not have. That work stays on the device, and goes on in the person's next session.
   */
  end(options: EndOptions = {}): Promise<UnsyncedWork> {
    if (this.#ending === null) this.#tabs?.postMessage(options); // now, so that it ends no session that begins later
    return this.#begin(options);
  }

  #begin(options: EndOptions): Promise<UnsyncedWork> {
    if (this.#ending !== null) return this.#ending;
    let resolve!: (work: Promise<UnsyncedWork>) => void;
    this.#ending = new Promise((given) => (resolve = given)); // before the signal, of which a listener may call end()
    resolve(this.#end(options));
    return this.#ending;
  }

  async #end({ lastSyncMillis = 0 }: EndOptions): Promise<UnsyncedWork> {
    this.#tabs?.close();
    const kept = [...this.#databases.values()];
    for (const { stop } of kept) stop?.();
    if (lastSyncMillis > 0) await this.#lastSync(kept, lastSyncMillis);
    this.#controller.abort();
    forgetSockets();
    await Promise.all(kept.map(({ database }) => refuseSync(database, ended())));
    for (const unwatch of this.#unwatch) unwatch();
    return this.unsyncedWork();
  }

  async #lastSync(kept: Kept[], millis: number) {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, millis)));
    const all = kept.map(async ({ database, source, mine }) => {
      if (source === undefined || !(await mine) || (await countUnsynced(database)) === 0) return;
      if (!this.signal.aborted) await safeSyncDatabase(database, source); // the time may be over by now
    });
    await Promise.race([late, Promise.allSettled(all)]);
    clearTimeout(timer);
  }
}
