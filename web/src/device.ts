import type { Database } from "@nozbe/watermelondb";
import { createClient, safeSyncDatabase, structuredSource, syncState, type Server, type SyncSource } from "tidemark-client";
import { saveRooms, type Tidemark } from "tidemark-client/react";
import { openDatabase, takeStorage, type Storage } from "./database";
import { Customer, Product, schema } from "./model";
import { unsyncedWork } from "./removal";
import { serverOf, spacesOf, type Session } from "./session";

/** A space on this device: the storage of this tab, and the opened database of customers and products in it. */
export interface Device extends Storage {
  space: string;
  server: Server;
  database: Database;
  /** The server's customers and products, as safeSyncDatabase() takes them. */
  source: SyncSource;
}

const opened = new Map<string, Promise<Device | undefined>>(); // until the tab is closed

function open(subject: string, space: string, onlyWaiting: boolean): Promise<Device | undefined> {
  const key = JSON.stringify([subject, space]);
  const opening = (opened.get(key) ?? Promise.resolve(undefined)).then(async (device) => {
    if (device !== undefined) return device;
    const storage = await takeStorage(subject, space, onlyWaiting);
    if (storage === undefined) return undefined;
    const server = serverOf(subject, space);
    const database = openDatabase(storage.name(), schema, [Customer, Product]);
    rememberUnsynced(storage, "records", database);
    return { ...storage, space, server, database, source: structuredSource(createClient(server)) };
  });
  opened.set(key, opening.catch(() => undefined)); // the next call tries again
  return opening;
}

/** Opens a space. A tab opens each space once. */
export const openDevice = (subject: string, space: string) => open(subject, space, false) as Promise<Device>;

/** Stores the number of unsynced rows of a database whenever it changes, until the tab is closed. */
export function rememberUnsynced(storage: Storage, name: string, database: Database) {
  const state = syncState(database);
  state.subscribe(() => storage.remember(name, state.get().unsynced));
}

/** Sends what the person has written in other spaces and the server does not have yet. */
export async function saveOthers(session: Session, tidemark: Tidemark): Promise<void> {
  const { subject } = session;
  for (const space of spacesOf(session)) {
    if (space === (tidemark.server.space ?? "") || unsyncedWork(subject, space) === 0) continue;
    const device = await open(subject, space, true);
    if (device !== undefined) {
      await safeSyncDatabase(device.database, device.source);
      await saveProjectsOf(device);
    }
    await saveRooms({ ...tidemark, server: serverOf(subject, space) });
  }
}

/** Synchronizes the projects of a space that have unsynced rows and are not shown. */
export async function saveProjectsOf(device: Device): Promise<void> {
  if (device.waiting().some((name) => name !== "records")) await (await import("./projects/open")).saveProjects(device);
}
