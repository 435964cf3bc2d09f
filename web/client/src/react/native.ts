// The entry for React Native: all but the editor, which is for browsers.
export { saveRooms } from "../documents/save-rooms.js";
export { unsavedRooms } from "../documents/unsaved.js";
export { TidemarkProvider, useTidemark, type Person, type Tidemark } from "./TidemarkProvider.js";
export { useSyncState } from "./useSyncState.js";
export { useUnsavedRooms } from "./useUnsavedRooms.js";
export { YjsProvider, useOthers, useRoom, useRoomSynced } from "./YjsProvider.js";
