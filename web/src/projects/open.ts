// The databases of projects. Each project has one, because each has its own last_pulled_at.
import type { Database } from "@nozbe/watermelondb";
import { safeSyncDatabase, type SyncSource } from "tidemark-client";
import { projectSource } from "tidemark-client/projects";
import { openDatabase, type Storage } from "../database";
import { server } from "../session";
import { models, schema } from "./model";

export interface Opened {
  database: Database;
  source: SyncSource;
}

const opened = new Map<string, Opened>(); // until the tab is closed

const prefix = "project-";

/** The name of the project's database in Storage. */
export const storedAs = (id: string) => prefix + id;

export function openProject(storage: Storage, id: string): Opened {
  const name = `${storage.name}-${storedAs(id)}`;
  const project = opened.get(name) ?? { database: openDatabase(name, schema, models), source: projectSource(server, id) };
  opened.set(name, project);
  return project;
}

/** Synchronizes the projects that have unsynced rows and are not shown. */
export async function saveProjects(storage: Storage): Promise<void> {
  for (const database of storage.waiting().filter((name) => name.startsWith(prefix))) {
    const project = openProject(storage, database.slice(prefix.length));
    const { unsynced } = await safeSyncDatabase(project.database, project.source);
    storage.remember(database, unsynced);
  }
}
