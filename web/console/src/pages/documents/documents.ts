// Documents, as the routes below /yjs/ return them.
import { call, Failure } from "../../api";
import { save } from "../../save";

export interface Listed {
  room: string;
  updated_at: number;
  /** Of the copy. */
  bytes: number;
}

export interface Version {
  id: string;
  name: string;
  subject: string;
  created_at: number;
  bytes: number;
}

export interface Person {
  /** Null if their token names none. */
  subject: string | null;
  sockets: number;
  writes: boolean;
  /** What each client says of itself, as the app wants it. */
  states: ({ user?: { name?: unknown }; name?: unknown } | null)[];
}

export interface Presence {
  sockets: number;
  people: Person[];
  /** There are more people or states than a response has. */
  more?: true;
}

export type Form = "text" | "json" | "tree";

/** The state to show: a version, or the document as it is now. */
export const now = "now";

/** The path of a document: a slash in its name is escaped. */
export const pathOf = (room: string) => `/yjs/${encodeURIComponent(room)}`;

/** The path of a state: the document, or one of its versions. */
export const stateOf = (path: string, at: string) => (at === now ? path : `${path}/versions/${encodeURIComponent(at)}`);

/** The names of the roots, and what each holds, as JSON; null if there is no such document. */
export async function rootsOf(path: string, signal: AbortSignal): Promise<Record<string, unknown> | null> {
  return missing(call<Record<string, unknown> | null>("GET", path, undefined, { query: { format: "json" }, signal }), null);
}

/** The text of a root; none if that state does not have the root. */
export const textOf = (path: string, name: string, signal: AbortSignal): Promise<string> =>
  missing(call<string>("GET", path, undefined, { query: { format: "text", name }, as: "text", signal }), "");

export async function treeOf(path: string, signal: AbortSignal): Promise<Record<string, unknown>> {
  return missing(call<Record<string, unknown>>("GET", path, undefined, { query: { format: "tree" }, signal }), {});
}

async function missing<T>(answer: Promise<{ body: T }>, otherwise: T): Promise<T> {
  try {
    return (await answer).body;
  } catch (error) {
    if (error instanceof Failure && error.status === 404) return otherwise;
    throw error;
  }
}

/** Gives the browser a state as a file: an update of Yjs. */
export async function download(path: string, file: string): Promise<void> {
  const { body } = await call<Uint8Array<ArrayBuffer>>("GET", path, undefined, { as: "bytes" });
  save(new Blob([body]), file);
}
