// Where documents are stored on the device, as the rooms need it. There are two: indexedDbDocuments() and
// sqliteDocuments(). web/client/test/documents.test.mjs has what both guarantee.

/** The place of a document in a storage. */
export interface Place {
  /** Whose documents they are: `storageName(server, subject)`. */
  readonly owner: string;
  readonly room: string;
  /** The prefix under which version 0.1.0 stored this owner's documents, if they are to move here. */
  readonly formerly?: string | undefined;
}

/** The documents of a device, and the marks of the rooms with edits that the server may lack. */
export interface DocumentStorage {
  /** Returns the store of a document for one room. Several rooms may store the same document at once. */
  open(place: Place): DocumentStore;
  /** Returns the rooms with stored edits that the server may lack, in no order. */
  unsaved(owner: Pick<Place, "owner" | "formerly">): Promise<string[]>;
  /** Returns what is known of unsaved() without waiting for the disk. It may lack a room until unsaved() has returned once. */
  unsavedNow(owner: string): readonly string[];
  /** Removes an owner's documents and marks. Close the rooms before. */
  remove(owner: string): Promise<void>;
}

/** A document as one room stores it. The room calls one method at a time. */
export interface DocumentStore {
  /** Returns the stored updates, oldest first, and whether the server may lack some of them. */
  load(): Promise<{ updates: Uint8Array[]; unsaved: boolean }>;
  /**
   * Stores an update. When it resolves, the update is on the disk. If `unsaved`, it is so together with the mark of the
   * room: whenever the app is killed, no edit is stored without its mark. If it rejects, the update may be stored or not, and the
   * room appends it again.
   */
  append(update: Uint8Array, unsaved: boolean): Promise<void>;
  /** Takes the marks of all that this store has loaded and appended. Those of what other rooms have appended meanwhile stay. */
  saved(): Promise<void>;
  /**
   * Replaces the updates by what `merge` makes of them, if there are `least` or more. Returns those that other rooms have appended and
   * this store has not loaded; the room must apply them. A kill leaves the updates, or what they were merged to, or both.
   */
  compact(least: number, merge: (updates: Uint8Array[]) => Uint8Array): Promise<Uint8Array[]>;
  /** Releases what the store holds. */
  close(): void;
}
