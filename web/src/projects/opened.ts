import type { Database } from "@nozbe/watermelondb";
import type { Role } from "./model";

/** The project that the page shows, for the page's sections. */
export interface OpenedProject {
  id: string;
  database: Database;
  /** Who is signed in. */
  subject: string;
  /** Reports whether the signed-in person has this role or a higher one. */
  may(role: Role): boolean;
  /** Sends a change through REST, then pulls its result. Resolves to the error's text, or "" after success. */
  request(method: string, path: string, body?: unknown): Promise<string>;
}
