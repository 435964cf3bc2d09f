// Sends unsynced work that no page shows.
import { safeSyncDatabase } from "tidemark-client";
import { saveRooms, type Tidemark } from "tidemark-client/react";
import { openDeviceIf, records, type Device } from "./device";
import { kitSession, serverOf } from "./kitSession";
import { spacesOf, type Session } from "./session";

/** Sends what the person has written in other spaces and the server does not have yet. */
export async function saveOthers(session: Session, tidemark: Tidemark): Promise<void> {
  const { subject } = session;
  for (const space of spacesOf(session)) {
    if (space === (tidemark.server.space ?? "") || (await kitSession(subject).unsyncedWork(space)).total === 0) continue;
    const device = await openDeviceIf(subject, space, true);
    if (device !== undefined) {
      await safeSyncDatabase(device.database, device.source);
      await saveProjectsOf(device);
    }
    await saveRooms({ ...tidemark, server: serverOf(subject, space) });
  }
}

/** Synchronizes the projects of a space that have unsynced rows and are not shown. */
export async function saveProjectsOf(device: Device): Promise<void> {
  if (device.waiting().some((name) => name !== records)) await (await import("./projects/open")).saveProjects(device);
}
