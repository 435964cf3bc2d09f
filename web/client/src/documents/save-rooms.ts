import { ownerOf, type RoomOptions } from "./options.js";

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
    left = await (await import("./saving.js")).saveEach(options);
  } finally {
    const owner = ownerOf(options);
    clearTimeout(retries.get(owner));
    if (left && !options.server.signal?.aborted) retries.set(owner, setTimeout(() => void saveRooms(options).catch(() => {}), againMillis));
  }
}
