export { TidemarkProvider, useTidemark, type Person, type Tidemark } from "./TidemarkProvider.js";
export { saveRooms } from "../documents/save-rooms.js";
export { unsavedRooms } from "../documents/unsaved.js";
export { useUnsavedRooms } from "./useUnsavedRooms.js";
export { useSyncState } from "./useSyncState.js";
export { YjsProvider, useOthers, useRoom, useRoomSynced } from "./YjsProvider.js";
export { CollaborativeLexicalEditor, type EditorProps } from "./CollaborativeLexicalEditor.js";
