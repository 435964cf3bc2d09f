import type { Database } from "@nozbe/watermelondb";
import { createClient, structuredSource, type Server, type SyncSource } from "tidemark-client";
import { openDatabase, takeStorage, type Storage } from "./database";
import { kitSession, serverOf } from "./kitSession";
import { Customer, Product } from "./model";
import { rejections } from "./rejections";
import { migrations, schema } from "./schema";

/** What the storage of a tab calls the database of customers and products. */
export const records = "records";

/** A space on this device: the storage of this tab, and the opened database of customers and products in it. */
export interface Device extends Storage {
  subject: string;
  space: string;
  server: Server;
  database: Database;
  /** The server's customers and products, as safeSyncDatabase() takes them. */
  source: SyncSource;
}

const opened = new Map<string, Promise<Device | undefined>>(); // until the tab is closed

/** Opens a space, or with onlyWaiting only if there is storage with unsynced rows. A tab opens each space once. */
export function openDeviceIf(subject: string, space: string, onlyWaiting: boolean): Promise<Device | undefined> {
  const key = JSON.stringify([subject, space]);
  const opening = (opened.get(key) ?? Promise.resolve(undefined)).then(async (device) => {
    if (device !== undefined) return device;
    const storage = await takeStorage(subject, space, onlyWaiting);
    if (storage === undefined) return undefined;
    const server = serverOf(subject, space);
    const database = openDatabase(storage.name(), schema, [Customer, Product], migrations);
    await kitSession(subject).keep(database, { space, name: storage.label(records) });
    const source = structuredSource(createClient(server), { onRejected: (rejected) => rejections.add(space, rejected) });
    return { ...storage, subject, space, server, database, source };
  });
  opened.set(key, opening.catch(() => undefined)); // the next call tries again
  return opening;
}

export const openDevice = (subject: string, space: string) => openDeviceIf(subject, space, false) as Promise<Device>;
