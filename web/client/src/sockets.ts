// The WebSockets of this device, for the inspector.

/** What is known of the sockets to one URL: only the last one counts, as each attempt is a socket of its own. */
export interface SocketInfo {
  /** Without the query, which has a ticket. */
  readonly url: string;
  readonly state: "connecting" | "open" | "closed";
  /** Since when, in Unix milliseconds. */
  readonly since: number;
  readonly lastMessageAt: number | null;
  /** How often a socket to the URL closed. */
  readonly closes: number;
  /** Of the last close. */
  readonly closed: { readonly code: number; readonly reason: string } | null;
}

const sockets = new Map<string, SocketInfo>();
const most = 100; // URLs: the oldest is forgotten

/** Notes what happens to a socket. */
export function noteSocket(url: string, change: Partial<SocketInfo>) {
  const name = url.split("?", 1)[0]!;
  const before = sockets.get(name) ?? { url: name, state: "closed", since: 0, lastMessageAt: null, closes: 0, closed: null };
  sockets.delete(name);
  sockets.set(name, { ...before, ...(change.state && { since: Date.now() }), ...(change.closed && { closes: before.closes + 1 }), ...change });
  if (sockets.size > most) sockets.delete(sockets.keys().next().value!);
}

/** Forgets all: the next person on the device does not see what a person opened. */
export const forgetSockets = () => sockets.clear();

/** Returns the sockets that ticketSocket() has opened since the start, the last used one last. */
export const socketLog = (): SocketInfo[] => [...sockets.values()];
