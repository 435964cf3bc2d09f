import type { Owner } from "./options.js";

/** Reads the rooms with edits that the server may lack. */
export const readUnsavedRooms = async (owner: Owner): Promise<string[]> => (await import("./saving.js")).readUnsaved(owner);

/** Removes an owner's documents from the device, and what the server may lack of them. Destroy the rooms before. */
export const removeDocuments = async (owner: Owner): Promise<void> => (await import("./saving.js")).remove(owner);
