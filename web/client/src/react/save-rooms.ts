import type { Tidemark } from "./TidemarkProvider.js";
import { moveMarks, unsavedRooms } from "./unsaved.js";

const patienceMillis = 30_000; // for one room

/** Sends the edits of all unsaved rooms to the server, one room after the other. Call it at the start and when online again. */
export async function saveRooms(tidemark: Tidemark): Promise<void> {
  if (tidemark.storage !== undefined && !tidemark.server.space) moveMarks(tidemark, tidemark.storage);
  for (const id of unsavedRooms(tidemark)) {
    const { Room } = await import("./room.js"); // with Yjs: only when a room is unsaved
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
