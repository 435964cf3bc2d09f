// Stores the updates of one room's document, in their order, and says when they are stored.
import { applyUpdate, Doc, encodeStateAsUpdate, mergeUpdates, transact, type Transaction } from "yjs";
import { backoff } from "../backoff.js";
import type { DocumentStore } from "./storage.js";

// As many updates as y-indexeddb keeps before it makes one of them.
const compactAt = 500;

// merge makes of updates what a document makes of them: deleted text goes.
function merge(updates: Uint8Array[]): Uint8Array {
  const doc = new Doc();
  transact(doc, () => {
    for (const update of updates) applyUpdate(doc, update);
  });
  const whole = encodeStateAsUpdate(doc);
  doc.destroy();
  return whole;
}

export interface KeeperEvents {
  /** Called for a transaction that the server may lack: an edit, or what the device had stored. */
  onEdit(transaction: Transaction): void;
  /** Called when `error`, `unsaved` or `stored` changed. */
  onChange(): void;
  /** Called when the device could not read or write. The keeper tries again by itself. */
  onError(error: Error): void;
}

export class Keeper {
  /** Why the last attempt to read or write failed; null if it did not. */
  error: Error | null = null;
  /** Whether the server may lack edits of this room's document. */
  unsaved = false;
  #waiting: { update: Uint8Array; unsaved: boolean }[] = []; // what is not stored yet
  #loaded = false;
  #count = 0; // of stored updates
  #edits = 0;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #work: Promise<void> = Promise.resolve(); // one thing at a time
  #writing = false; // a write is queued in #work

  /** `isServer` tells the origin of what the server sent. */
  constructor(
    readonly doc: Doc,
    readonly store: DocumentStore,
    readonly isServer: (origin: unknown) => boolean,
    readonly events: KeeperEvents,
  ) {
    doc.on("update", this.#update);
  }

  /** Whether all of the document is on the disk. */
  get stored(): boolean {
    return this.#loaded && this.#waiting.length === 0;
  }

  #update = (update: Uint8Array, origin: unknown, _doc: Doc, transaction: Transaction) => {
    if (origin === this) return;
    const unsaved = !this.isServer(origin);
    this.#waiting.push({ update, unsaved });
    if (unsaved) this.#edited(transaction);
    this.#write();
  };

  #edited(transaction: Transaction) {
    this.#edits++;
    this.unsaved = true;
    this.events.onEdit(transaction);
    this.events.onChange();
  }

  /** Reads the device's copy into the document. If that fails, it reports the error and tries again before it writes. */
  load(): Promise<void> {
    if (this.#loaded) return Promise.resolve();
    this.#write();
    return this.#work;
  }

  #write() {
    if (this.#writing || this.#closed) return;
    this.#writing = true;
    this.#work = this.#work.then(() => {
      this.#writing = false;
      return this.#attempt();
    });
  }

  async #attempt() {
    try {
      if (!this.#loaded) await this.#load();
      while (this.#waiting.length > 0) await this.#append();
      if (this.#count >= compactAt) await this.#compact();
      this.#failures = 0;
      if (this.error === null) return;
      this.error = null;
    } catch (thrown) {
      this.error = thrown instanceof Error ? thrown : new Error(String(thrown));
      this.events.onError(this.error);
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => this.#write(), backoff(++this.#failures, 1000, 60_000));
    }
    this.events.onChange();
  }

  async #load() {
    const { updates, unsaved } = await this.store.load();
    this.#loaded = true;
    this.#count = updates.length;
    const transaction = this.#apply(updates, this);
    if (unsaved) this.#edited(transaction);
  }

  #apply(updates: Uint8Array[], origin: unknown): Transaction {
    let applied!: Transaction;
    transact(this.doc, (transaction) => {
      applied = transaction;
      for (const update of updates) applyUpdate(this.doc, update);
    }, origin, false);
    return applied;
  }

  async #append() {
    const batch = [...this.#waiting];
    await this.store.append(batch.length > 1 ? mergeUpdates(batch.map(({ update }) => update)) : batch[0]!.update, batch.some(({ unsaved }) => unsaved));
    this.#waiting.splice(0, batch.length);
    this.#count++;
    this.events.onChange();
  }

  // This room stores what other rooms of the device have stored, too. So it takes that on as edits of its own.
  async #compact() {
    const others = await this.store.compact(compactAt, merge);
    this.#count = 1;
    this.#apply(others, this.store);
  }

  /** Takes the marks. Call it when the server has all of the document, and all of it is stored. Resolves to whether that was so to the end. */
  async saved(): Promise<boolean> {
    const edits = this.#edits;
    let taken = false;
    this.#work = this.#work.then(async () => {
      if (edits !== this.#edits) return; // the store may have an edit by now that the server lacks
      try {
        await this.store.saved();
        taken = edits === this.#edits;
        if (taken) this.unsaved = false;
        this.error = null;
      } catch (thrown) {
        this.error = thrown as Error;
        this.events.onError(this.error);
      }
      this.events.onChange();
    });
    await this.#work;
    return taken;
  }

  /** Stores what is not stored yet, and releases the store. */
  async close() {
    this.doc.off("update", this.#update);
    if (this.#waiting.length > 0) this.#write();
    this.#closed = true;
    await this.#work;
    clearTimeout(this.#retry);
    this.store.close();
  }
}
