import type { Doc } from "yjs";

/** A room that is open: a Room. */
export interface OpenRoom {
  readonly id: string;
  /** Whose room it is: `storageName(server, subject)`. */
  readonly owner: string;
  readonly doc: Doc;
  /** Whether the room has everything that the server has. */
  readonly synced: boolean;
  /** Whether the device has edits of this room that the server may lack, or that are not on the disk yet. */
  readonly unsaved: boolean;
  /** The size of the document as one update. */
  readonly bytes: number;
  /** Whether all of the document is on the disk. */
  readonly stored: boolean;
  /** Why the device could not read or store the document at the last attempt; null if it could. */
  readonly storageError: Error | null;
  /** Disconnects, and resolves when everything is on the disk. */
  destroy(): Promise<void>;
}

const rooms = new Set<OpenRoom>();

/** Returns the rooms that are open now. */
export const openRooms = (): readonly OpenRoom[] => [...rooms];

export const opened = (room: OpenRoom) => void rooms.add(room);

export const closed = (room: OpenRoom) => void rooms.delete(room);
