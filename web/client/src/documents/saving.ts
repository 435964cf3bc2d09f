// The part of saveRooms() that a page loads when it needs it, with what reads the device's storage.
import { indexedDbDocuments } from "./indexeddb.js";
import { unsavedChanged } from "./listeners.js";
import { ownerOf, scopeOf, type Owner, type RoomOptions } from "./options.js";

const patienceMillis = 30_000; // for one room

const storageOf = ({ documents = indexedDbDocuments }: Owner) => documents;

export async function readUnsaved(owner: Owner): Promise<string[]> {
  const rooms = await storageOf(owner).unsaved(scopeOf(owner));
  unsavedChanged();
  return rooms;
}

export async function remove(owner: Owner): Promise<void> {
  await storageOf(owner).remove(ownerOf(owner));
  unsavedChanged();
}

/** Sends the edits of all unsaved rooms, and returns whether one is left that the server has not taken. */
export async function saveEach(options: RoomOptions): Promise<boolean> {
  let left = false;
  for (const id of await readUnsaved(options)) {
    const { Room } = await import("./room.js"); // with Yjs: only when a room is unsaved
    const room = new Room(id, options);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => done(true), patienceMillis);
      const done = (again: boolean) => {
        clearTimeout(timer);
        left ||= again;
        resolve();
      };
      room.onSaved = () => done(false);
      room.on("closed", () => done(false));
      room.connect();
    });
    await room.destroy();
  }
  return left;
}
