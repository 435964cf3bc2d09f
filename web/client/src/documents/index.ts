export { indexedDbDocuments } from "./indexeddb.js";
export { openRooms, type OpenRoom } from "./open-rooms.js";
export type { Owner, RoomOptions } from "./options.js";
export { Room } from "./room.js";
export { saveRooms } from "./save-rooms.js";
export { sqliteDocuments, type SqliteDatabase } from "./sqlite.js";
export type { DocumentStorage, DocumentStore, Place } from "./storage.js";
export { onUnsavedChange, readUnsavedRooms, removeDocuments, unsavedRooms } from "./unsaved.js";
