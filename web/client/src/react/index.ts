export { TidemarkProvider, useTidemark, type Person, type Tidemark } from "./TidemarkProvider.js";
export { saveRooms } from "./save-rooms.js";
export { unsavedRooms, useUnsavedRooms } from "./unsaved.js";
export { useSyncState } from "./useSyncState.js";
export { YjsProvider, useOthers, useRoom, useRoomSynced } from "./YjsProvider.js";
export { CollaborativeLexicalEditor, type EditorProps } from "./CollaborativeLexicalEditor.js";
