// Who is signed in on this device. An expired token stays here: its subject names the
// database to open, and the person goes on offline. A subject counts only after the
// server has accepted a token of it. So a forged token opens nobody's database.
import type { Server } from "tidemark-client";
import { removeAtNextStart, removed } from "./removal";

export interface Session {
  token: string;
  /** The token's subject. */
  subject: string;
}

const key = "tidemark-token";
const acceptedKey = "tidemark-accepted"; // the subject of the last token that the server accepted
let current = read();
const listeners = new Set<() => void>();

// Another tab has signed out, or has signed in as another person.
addEventListener("storage", (event) => {
  if (event.key === acceptedKey && current !== null && event.newValue !== current.subject) location.reload();
});

export const server: Server = { url: location.origin, token: () => current?.token ?? null };

function read(): Session | null {
  const token = localStorage.getItem(key);
  const subject = token === null ? null : subjectOf(token);
  return token === null || subject === null || subject !== localStorage.getItem(acceptedKey) ? null : { token, subject };
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

// A stored token without an accepted subject must be accepted by the server first.
const stored = localStorage.getItem(key);
if (current === null && stored !== null) signIn(stored).catch(() => {});

export const session = {
  get: () => current,
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};

/** Signs in with a token. It throws an Error for the person if the server rejects the token. */
export async function signIn(token: string): Promise<void> {
  const subject = subjectOf(token);
  if (subject === null) throw new Error("This text is not a token.");
  await requireAccepted(token);
  await removed;
  localStorage.setItem(key, token);
  localStorage.setItem(acceptedKey, subject);
  current = read();
  for (const listener of listeners) listener();
}

// requireAccepted asks for a ticket, which the server gives for every valid token.
async function requireAccepted(token: string): Promise<void> {
  const { ok, status } = await fetch("/auth/ticket", { method: "POST", headers: { authorization: `Bearer ${token}` } }).catch(() => {
    throw new Error("Cannot reach the server.");
  });
  if (status === 401) throw new Error("The server rejected this token.");
  if (!ok) throw new Error(`The server returned status ${status}.`);
}

/** Signs out. The person's data on this device is removed, or stays for the next sign-in under the same name. */
export function signOut(remove: boolean) {
  if (remove && current !== null) removeAtNextStart(current.subject);
  localStorage.removeItem(key);
  localStorage.removeItem(acceptedKey);
  history.replaceState(null, "", "/"); // the next person does not begin on this person's page
  location.reload();
}

/** Whether the server issues tokens for a name, as it does in development mode; null if it cannot be reached. */
export async function hasDevLogin(): Promise<boolean | null> {
  return fetch("/dev/login").then(
    (response) => response.ok,
    () => null,
  );
}

/** Gets a token for a name, in development mode. */
export async function devLogin(name: string): Promise<string> {
  const response = await fetch("/dev/login", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name }),
  });
  if (!response.ok) throw new Error(`The server returned status ${response.status}.`);
  return ((await response.json()) as { token: string }).token;
}
