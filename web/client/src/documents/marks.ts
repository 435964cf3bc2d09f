// The rooms of a browser with edits that the server may lack, as localStorage lists them: a page must know at
// once how many there are. The databases have the marks, too (indexeddb.ts).
import { escape } from "../server.js";

/** Returns the name of something that an owner has stored. */
export const nameOf = (owner: string, ...parts: string[]) => [owner, ...parts.map(escape)].join(",");

const endings = (prefix: string) =>
  Object.keys(localStorage)
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length));

export function note(owner: string, room: string) {
  const name = nameOf(owner, "unsaved", room);
  if (localStorage.getItem(name) === null) localStorage.setItem(name, "");
}

export const unnote = (owner: string, room: string) => localStorage.removeItem(nameOf(owner, "unsaved", room));

export const unsavedNow = (owner: string) => endings(nameOf(owner, "unsaved", "")).map(decodeURIComponent);

/** Moves the marks that version 0.1.0 stored under a prefix of the app. */
export function moveMarks(owner: string, formerly: string) {
  const prefix = `${formerly}-unsaved:`;
  for (const room of endings(prefix)) {
    note(owner, room);
    localStorage.removeItem(prefix + room);
  }
}
