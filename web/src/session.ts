// Who is signed in on this device. A token that has expired stays here: its
// subject says whose database to open, and work goes on offline.
import type { Server } from "tidemark-client";

export interface Session {
  token: string;
  /** The token's subject. */
  subject: string;
}

const key = "tidemark-token";
let current = read();
const listeners = new Set<() => void>();

export const server: Server = { url: location.origin, token: () => current?.token ?? null };

function read(): Session | null {
  const token = localStorage.getItem(key);
  const subject = token === null ? null : subjectOf(token);
  return token === null || subject === null ? null : { token, subject };
}

/** The subject of a JWT, unverified, or null if it is not one. */
function subjectOf(token: string): string | null {
  try {
    const body = token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/");
    const claims: unknown = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(body), (c) => c.charCodeAt(0))));
    const { sub } = claims as { sub?: unknown };
    return typeof sub === "string" && sub !== "" ? sub : null;
  } catch {
    return null;
  }
}

export const session = {
  get: () => current,
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};

/** Signs in with a token; answers false if it is none. */
export function signIn(token: string): boolean {
  if (subjectOf(token) === null) return false;
  localStorage.setItem(key, token);
  current = read();
  for (const listener of listeners) listener();
  return true;
}

/** Signs out. What is on the device stays for the next sign-in under the same name. */
export function signOut() {
  localStorage.removeItem(key);
  location.reload();
}

/** Whether the server gives tokens for a name, which it does in development only. Null: it cannot be reached. */
export async function hasDevLogin(): Promise<boolean | null> {
  return fetch("/dev/login").then(
    (response) => response.ok,
    () => null,
  );
}

/** A token for a name, in development. */
export async function devLogin(name: string): Promise<string> {
  const response = await fetch("/dev/login", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name }),
  });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return ((await response.json()) as { token: string }).token;
}
