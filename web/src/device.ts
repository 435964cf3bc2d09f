import type { Database } from "@nozbe/watermelondb";
import { createClient, structuredSource } from "tidemark-client";
import type { Storage } from "./database";
import { server } from "./session";

/** The storage of this tab, and the opened database of customers and products in it. */
export interface Device extends Storage {
  database: Database;
}

/** The server's customers and products, as safeSyncDatabase() takes them. */
export const source = structuredSource(createClient(server));
