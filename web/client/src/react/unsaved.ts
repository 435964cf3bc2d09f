// Which rooms have edits of this device that the server may lack. A note that
// was edited offline is not always open when the device is online again.
import { useSyncExternalStore } from "react";
import type { Tidemark } from "./TidemarkProvider.js";

const listeners = new Set<() => void>();
const prefix = (storage: string) => `${storage}-unsaved:`;

function tell() {
  for (const listener of listeners) listener();
}

export function markUnsaved(storage: string, roomId: string) {
  if (localStorage.getItem(prefix(storage) + roomId) !== null) return;
  localStorage.setItem(prefix(storage) + roomId, "");
  tell();
}

export function markSaved(storage: string, roomId: string) {
  localStorage.removeItem(prefix(storage) + roomId);
  tell();
}

/** The rooms with edits that the server may lack. */
export function unsavedRooms(storage: string): string[] {
  return Object.keys(localStorage)
    .filter((key) => key.startsWith(prefix(storage)))
    .map((key) => key.slice(prefix(storage).length));
}

/** How many rooms have edits that the server may lack. */
export function useUnsavedRooms(storage: string): number {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => unsavedRooms(storage).length,
  );
}

const patienceMillis = 30_000;

/** Brings the edits of all such rooms to the server, one room after the other. Call it at the start and when online again. */
export async function saveRooms(tidemark: Tidemark): Promise<void> {
  for (const id of unsavedRooms(tidemark.storage)) {
    const { Room } = await import("./room.js");
    const room = new Room(id, tidemark);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patienceMillis);
      room.onSaved = () => {
        clearTimeout(timer);
        resolve();
      };
      room.connect();
    });
    room.destroy();
  }
}
