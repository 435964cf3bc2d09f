import type { Platform } from "../platform.js";
import { storageName, type Server } from "../server.js";
import type { DocumentStorage, Place } from "./storage.js";

/** Whose rooms they are, and where the device stores them. */
export interface RoomOptions {
  server: Server;
  /** The subject of the token. Documents are stored on the device under the server, the subject and the space. */
  subject: string;
  /** Where the device stores documents: IndexedDB if absent. In React Native sqliteDocuments(). */
  documents?: DocumentStorage | undefined;
  /** What tells that the device is online; browserPlatform if absent. In React Native reactNativePlatform(). */
  platform?: Platform | undefined;
  /** The prefix under which the app stored this subject's documents before. They move to their new names. */
  storage?: string;
  /** Called when the server closed a room with a final code (4401: sign in again). `new ClosedError(code, reason)` has a text for people. */
  onRefused?(code: number, reason: string): void;
  /** Called when the device could not read or store a document, as when its disk is full. The room tries again by itself, and is not saved meanwhile. */
  onError?(error: Error, roomId: string): void;
}

/** The part of the options that names a storage's owner. */
export type Owner = Pick<RoomOptions, "server" | "subject" | "documents" | "storage">;

export const ownerOf = ({ server, subject }: Owner): string => storageName(server, subject);

export const placeOf = (options: Owner, room: string): Place => ({ ...scopeOf(options), room });

/** The owner, and under which prefix its documents may still be. */
export function scopeOf(options: Owner): Pick<Place, "owner" | "formerly"> {
  const { server, storage } = options;
  return { owner: ownerOf(options), formerly: server.space ? undefined : storage };
}
