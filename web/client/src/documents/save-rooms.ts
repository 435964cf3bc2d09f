import { ownerOf, type RoomOptions } from "./options.js";
import { readUnsavedRooms } from "./unsaved.js";

const patienceMillis = 30_000; // for one room
const againMillis = 60_000; // if the server could not be reached, or asked to wait

const retries = new Map<string, ReturnType<typeof setTimeout>>(); // of each subject in each space

/**
 * Sends the edits of all unsaved rooms to the server, one room after the other. Call it at the start and when online
 * again. If the server does not take them, as in a paused space, it tries again by itself until they are saved or refused.
 */
export async function saveRooms(options: RoomOptions): Promise<void> {
  if (options.server.signal?.aborted) return;
  let left = true;
  try {
    left = await saveEach(options);
  } finally {
    const owner = ownerOf(options);
    clearTimeout(retries.get(owner));
    if (left && !options.server.signal?.aborted) retries.set(owner, setTimeout(() => void saveRooms(options).catch(() => {}), againMillis));
  }
}

/** Returns whether a room is left that the server has not taken. */
async function saveEach(options: RoomOptions): Promise<boolean> {
  let left = false;
  for (const id of await readUnsavedRooms(options)) {
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
