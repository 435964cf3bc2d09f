import { createContext, useContext, useEffect, useState, useSyncExternalStore, type ReactNode } from "react";
import { Room } from "../documents/room.js";
import { saveRooms } from "../documents/save-rooms.js";
import { unsavedRooms } from "../documents/unsaved.js";
import { useTidemark, type Person } from "./TidemarkProvider.js";

const Context = createContext<Room | null>(null);

/** Opens a room for the components below, and closes it on unmount. */
export function YjsProvider({ roomId, children }: { roomId: string; children: ReactNode }) {
  const tidemark = useTidemark();
  const [room, setRoom] = useState<Room | null>(null);
  useEffect(() => {
    const opened = new Room(roomId, tidemark);
    setRoom(opened);
    return () => {
      setRoom(null);
      void opened.destroy().then(() => {
        if (unsavedRooms(tidemark).includes(roomId)) void saveRooms(tidemark);
      });
    };
  }, [roomId, tidemark]);
  return <Context.Provider value={room}>{children}</Context.Provider>;
}

/** Returns the room of the nearest YjsProvider; null while it opens. */
export const useRoom = (): Room | null => useContext(Context);

const nobody: Person[] = [];

/** Returns the other people in the room. */
export function useOthers(): Person[] {
  const room = useRoom();
  const [people, setPeople] = useState(nobody);
  useEffect(() => {
    if (room === null) return;
    const read = () => {
      const others: Person[] = [];
      for (const [client, state] of room.awareness.getStates()) {
        if (client !== room.doc.clientID && typeof state["name"] === "string") {
          others.push({ name: state["name"], color: String(state["color"]) });
        }
      }
      setPeople(others);
    };
    room.awareness.on("change", read);
    read();
    return () => {
      room.awareness.off("change", read);
      setPeople(nobody);
    };
  }, [room]);
  return people;
}

/** Reports whether the room is connected and has everything that the server has. */
export function useRoomSynced(): boolean {
  const room = useRoom();
  return useSyncExternalStore(
    (listener) => {
      room?.on("sync", listener);
      room?.on("status", listener);
      return () => {
        room?.off("sync", listener);
        room?.off("status", listener);
      };
    },
    () => room?.synced ?? false,
  );
}
