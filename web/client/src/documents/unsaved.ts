// The rooms with edits of this device that the server may lack. The storage keeps their marks: a note that was edited
// offline is not always open when the device is online again.
import { unsavedNow } from "./marks.js";
import { ownerOf, scopeOf, type Owner } from "./options.js";
import type { DocumentStorage } from "./storage.js";

const listeners = new Set<() => void>();

/** Calls the listener when the unsaved rooms may have changed, and returns a function that stops. */
export function onUnsavedChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function unsavedChanged() {
  for (const listener of listeners) listener();
}

/** The rooms with edits that the server may lack, as far as the page knows them. readUnsavedRooms() asks the disk. */
export function unsavedRooms(owner: Owner): string[] {
  const name = ownerOf(owner);
  return [...(owner.documents?.unsavedNow(name) ?? unsavedNow(name))];
}

/** Reads the rooms with edits that the server may lack. */
export async function readUnsavedRooms(owner: Owner): Promise<string[]> {
  const rooms = await (await storageOf(owner)).unsaved(scopeOf(owner));
  unsavedChanged();
  return rooms;
}

const storageOf = async ({ documents }: Owner): Promise<DocumentStorage> => documents ?? (await import("./indexeddb.js")).indexedDbDocuments;

/** Removes an owner's documents from the device, and what the server may lack of them. Destroy the rooms before. */
export async function removeDocuments(owner: Owner): Promise<void> {
  await (await storageOf(owner)).remove(ownerOf(owner));
  unsavedChanged();
}
