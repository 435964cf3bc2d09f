import type { Database } from "@nozbe/watermelondb";
import { safeSyncDatabase, type SyncSource } from "tidemark-client";
import { projectSource } from "tidemark-client/projects";
import { openDatabase } from "../database";
import type { Device } from "../device";
import { kitSession } from "../kitSession";
import { migrations, models, schema } from "./model";

export interface Opened {
  database: Database;
  source: SyncSource;
}

const opened = new Map<string, Opened>(); // until the tab is closed

const prefix = "project-";

export function openProject(device: Device, id: string): Opened {
  const name = device.name("project", id);
  let project = opened.get(name);
  if (project === undefined) {
    project = { database: openDatabase(name, schema, models, migrations), source: projectSource(device.server, id) };
    opened.set(name, project);
    void kitSession(device.subject).keep(project.database, { space: device.space, name: device.label(prefix + id) });
  }
  return project;
}

/** Synchronizes the projects that have unsynced rows and are not shown. */
export async function saveProjects(device: Device): Promise<void> {
  for (const name of device.waiting().filter((name) => name.startsWith(prefix))) {
    const { database, source } = openProject(device, name.slice(prefix.length));
    await safeSyncDatabase(database, source);
  }
}
