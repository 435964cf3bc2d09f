// Who is signed in on this device. An expired token stays here: its subject names the
// database to open, and the person goes on offline. A subject counts only after the
// server has accepted a token of it. So a forged token opens nobody's database.
import { baseUrl } from "tidemark-client";
import { reachOf, root, type Reach } from "./reach";
import { nameIn, removeAtNextStart, removed } from "./removal";

export interface Session {
  token: string;
  /** The token's subject. */
  subject: string;
  /** The spaces of the token. */
  reach: Reach;
}

const key = "tidemark-token";
const acceptedKey = "tidemark-accepted"; // the subject of the last token that the server accepted
let current = read();
const listeners = new Set<() => void>();

// Another tab has signed out, or has signed in as another person.
addEventListener("storage", (event) => {
  if (event.key === acceptedKey && current !== null && event.newValue !== current.subject) location.reload();
});

function read(): Session | null {
  const session = sessionOf(localStorage.getItem(key) ?? "");
  return session?.subject === localStorage.getItem(acceptedKey) ? session : null;
}

/** Reads a JWT, unverified. Returns null if the text is not one. */
function sessionOf(token: string): Session | null {
  try {
    const body = token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/");
    const claims: unknown = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(body), (c) => c.charCodeAt(0))));
    const { sub, spaces } = claims as { sub?: unknown; spaces?: unknown };
    return typeof sub === "string" && sub !== "" ? { token, subject: sub, reach: reachOf(spaces) } : null;
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
  const next = sessionOf(token);
  if (next === null) throw new Error("This text is not a token.");
  await requireAccepted(next);
  await removed;
  localStorage.setItem(key, token);
  localStorage.setItem(acceptedKey, next.subject);
  current = read();
  for (const listener of listeners) listener();
}

// requireAccepted asks for a ticket, which the server gives for every valid token in each of its spaces.
async function requireAccepted({ token, reach }: Session): Promise<void> {
  const [space] = reach.named;
  if (space === undefined) throw new Error("This token names no space that the page can open.");
  const url = `${baseUrl({ url: "", space })}/auth/ticket`;
  const { ok, status } = await fetch(url, { method: "POST", headers: { authorization: `Bearer ${token}` } }).catch(() => {
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

/** What this device remembers of a person's spaces. */
interface Remembered {
  /** The person's own space, in development mode. */
  personal?: string;
  /** The spaces that the person has opened by a link or has created here. */
  joined: string[];
}

const rememberedKey = (subject: string) => nameIn(subject, root, "spaces");

export const remembered = (subject: string): Remembered => ({ joined: [], ...JSON.parse(localStorage.getItem(rememberedKey(subject)) ?? "{}") });

const remember = (subject: string, change: Partial<Remembered>) =>
  localStorage.setItem(rememberedKey(subject), JSON.stringify({ ...remembered(subject), ...change }));

/** Returns the spaces that the page offers a person: those that the token names, and those that it includes and the person has joined. */
export const spacesOf = ({ subject, reach }: Session) =>
  [...new Set([...reach.named, ...remembered(subject).joined.filter(reach.includes)])].sort();

/**
 * Signs in under a name, in development mode, and joins one more space if one is given. The token reaches all spaces that
 * the person has joined on this device.
 */
export async function devSignIn(name: string, space?: string): Promise<void> {
  await removed;
  const joined = [...new Set([...remembered(name).joined, ...(space === undefined ? [] : [space])])];
  const response = await fetch("/dev/login", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name, spaces: joined }),
  });
  const { token, personal, error } = await response.json();
  if (!response.ok) throw new Error(error.message);
  remember(name, { personal, joined });
  await signIn(token);
}

/** Adds a space to those that the page offers, if the token includes it. */
export function join(subject: string, space: string) {
  remember(subject, { joined: [...new Set([...remembered(subject).joined, space])] });
}
