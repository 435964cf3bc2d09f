import type { Room } from "./room.js";

const rooms = new Set<Room>();

/** Returns the rooms that are open now. */
export const openRooms = (): readonly Room[] => [...rooms];

export const opened = (room: Room) => void rooms.add(room);

export const closed = (room: Room) => void rooms.delete(room);
