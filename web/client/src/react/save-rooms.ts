import { storageName } from "../server.js";
import type { Tidemark } from "./TidemarkProvider.js";
import { moveMarks, unsavedRooms } from "./unsaved.js";

const patienceMillis = 30_000; // for one room
const againMillis = 60_000; // if the server could not be reached, or asked to wait

const retries = new Map<string, ReturnType<typeof setTimeout>>(); // of each subject in each space

/**
 * Sends the edits of all unsaved rooms to the server, one room after the other. Call it at the start and when online
 * again. If the server does not take them, as in a paused space, it tries again by itself until they are saved or refused.
 */
export async function saveRooms(tidemark: Tidemark): Promise<void> {
  const { server, subject, storage } = tidemark;
  if (server.signal?.aborted) return;
  if (storage !== undefined && !server.space) moveMarks(tidemark, storage);
  let left = true;
  try {
    left = await saveEach(tidemark);
  } finally {
    const owner = storageName(server, subject);
    clearTimeout(retries.get(owner));
    if (left && !server.signal?.aborted) retries.set(owner, setTimeout(() => void saveRooms(tidemark).catch(() => {}), againMillis));
  }
}

/** Returns whether a room is left that the server has not taken. */
async function saveEach(tidemark: Tidemark): Promise<boolean> {
  let left = false;
  for (const id of unsavedRooms(tidemark)) {
    const { Room } = await import("./room.js"); // with Yjs: only when a room is unsaved
    const room = new Room(id, tidemark);
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
    room.destroy();
  }
  return left;
}
