// The rooms with edits of this device that the server may lack. The storage keeps their marks: a note that was edited
// offline is not always open when the device is online again.
import { unsavedNow } from "./marks.js";
import { ownerOf, type Owner } from "./options.js";

export { onUnsavedChange } from "./listeners.js";

/** The rooms with edits that the server may lack, as far as the page knows them. readUnsavedRooms() asks the disk. */
export function unsavedRooms(owner: Owner): string[] {
  const name = ownerOf(owner);
  return [...(owner.documents?.unsavedNow(name) ?? unsavedNow(name))];
}

/** Reads the rooms with edits that the server may lack. */
export const readUnsavedRooms = async (owner: Owner): Promise<string[]> => (await import("./saving.js")).readUnsaved(owner);

/** Removes an owner's documents from the device, and what the server may lack of them. Destroy the rooms before. */
export const removeDocuments = async (owner: Owner): Promise<void> => (await import("./saving.js")).remove(owner);
