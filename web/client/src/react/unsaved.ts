// The rooms with edits of this device that the server may lack. localStorage keeps their
// ids: a note that was edited offline is not always open when the device is online again.
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
const prefix = (storage: string) => `${storage}-unsaved:`;

function notify() {
  for (const listener of listeners) listener();
}

export function markUnsaved(storage: string, roomId: string) {
  if (localStorage.getItem(prefix(storage) + roomId) !== null) return;
  localStorage.setItem(prefix(storage) + roomId, "");
  notify();
}

export function markSaved(storage: string, roomId: string) {
  localStorage.removeItem(prefix(storage) + roomId);
  notify();
}

/** The rooms with edits that the server may lack. */
export function unsavedRooms(storage: string): string[] {
  return Object.keys(localStorage)
    .filter((key) => key.startsWith(prefix(storage)))
    .map((key) => key.slice(prefix(storage).length));
}

/** The number of rooms with edits that the server may lack. */
export function useUnsavedRooms(storage: string): number {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => unsavedRooms(storage).length,
  );
}
