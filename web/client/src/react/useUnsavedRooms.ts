import { useSyncExternalStore } from "react";
import type { Owner } from "../documents/options.js";
import { onUnsavedChange, unsavedRooms } from "../documents/unsaved.js";

/** The number of rooms with edits that the server may lack. */
export const useUnsavedRooms = (owner: Owner): number => useSyncExternalStore(onUnsavedChange, () => unsavedRooms(owner).length);
