// The rooms with edits of this device that the server may lack. localStorage keeps their
// ids: a note that was edited offline is not always open when the device is online again.
import { useSyncExternalStore } from "react";
import { storageName } from "../server.js";
import type { Tidemark } from "./TidemarkProvider.js";

const listeners = new Set<() => void>();

/** Whose rooms they are: the part of Tidemark that names the storage. */
type Owner = Pick<Tidemark, "server" | "subject">;

const keyOf = ({ server, subject }: Owner, roomId: string) => storageName(server, subject, "unsaved", roomId);

function notify() {
  for (const listener of listeners) listener();
}

const endings = (prefix: string) =>
  Object.keys(localStorage)
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length));

export function markUnsaved(owner: Owner, roomId: string) {
  if (localStorage.getItem(keyOf(owner, roomId)) !== null) return;
  localStorage.setItem(keyOf(owner, roomId), "");
  notify();
}

export function markSaved(owner: Owner, roomId: string) {
  localStorage.removeItem(keyOf(owner, roomId));
  notify();
}

/** Moves the marks that an earlier version stored under a prefix of the app. */
export function moveMarks(owner: Owner, storage: string) {
  const prefix = `${storage}-unsaved:`;
  for (const roomId of endings(prefix)) {
    markUnsaved(owner, roomId);
    localStorage.removeItem(prefix + roomId);
  }
}

/** The rooms with edits that the server may lack. */
export function unsavedRooms(owner: Owner): string[] {
  return endings(keyOf(owner, "")).map(decodeURIComponent);
}

/** The number of rooms with edits that the server may lack. */
export function useUnsavedRooms(owner: Owner): number {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => unsavedRooms(owner).length,
  );
}
