// SyncRoom: the server says that something changed, never what.
import { backoff } from "./backoff.js";
import { isFinal, socketUrl, ticketSocket, type Server } from "./server.js";

/** What SyncRoom says. `hello` comes once for each connection. */
export interface Notification {
  type: "hello" | "change";
  table: string;
  /** The stamp of the change; a project's room has `timestamp` instead. */
  stamp?: number;
  timestamp?: number;
}

export interface Subscription {
  /** `/sync/subscribe`, or that of a project. */
  path?: string;
  onNotification(notification: Notification): void;
  /** Told when the connection comes and goes. */
  onConnected?(connected: boolean): void;
  /** The server refused for good (4401: sign in again); there will be no more attempts. */
  onRefused?(code: number, reason: string): void;
}

const pingMillis = 25_000;
const pongMillis = 10_000;

/**
 * Listens to SyncRoom and reconnects by itself, with a new ticket each time and
 * growing waits, at once when the device comes online. A connection on which a
 * `ping` stays unanswered counts as lost. Answers a function that ends it.
 */
export function subscribe(server: Server, { path = "/sync/subscribe", onNotification, onConnected, onRefused }: Subscription): () => void {
  const Socket = ticketSocket(server);
  let socket: WebSocket | null = null;
  let failures = 0;
  let stopped = false;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let heartbeat: ReturnType<typeof setTimeout> | undefined;

  function connect() {
    clearTimeout(retry);
    const current = new Socket(socketUrl(server, path));
    socket = current;
    current.onopen = () => {
      onConnected?.(true);
      beat(current);
    };
    current.onmessage = ({ data }) => {
      if (socket !== current) return;
      failures = 0;
      beat(current);
      if (data !== "pong") notify(data);
    };
    current.onclose = ({ code, reason }) => lost(current, code, reason);
  }

  function notify(data: unknown) {
    let message: Notification;
    try {
      message = JSON.parse(String(data));
    } catch {
      return; // of a newer server
    }
    if (message.type === "hello" || message.type === "change") onNotification(message);
  }

  function beat(current: WebSocket) {
    clearTimeout(heartbeat);
    heartbeat = setTimeout(() => {
      current.send("ping");
      heartbeat = setTimeout(() => lost(current, 1006, "no pong"), pongMillis);
    }, pingMillis);
  }

  function lost(current: WebSocket, code: number, reason: string) {
    if (socket !== current) return;
    socket = null;
    clearTimeout(heartbeat);
    current.close();
    onConnected?.(false);
    if (stopped) return;
    if (isFinal(code)) {
      onRefused?.(code, reason);
      return;
    }
    retry = setTimeout(connect, backoff(++failures, 500, 30_000));
  }

  const online = () => {
    if (socket === null && !stopped) connect();
  };
  const offline = () => {
    if (socket !== null) lost(socket, 1006, "offline");
  };
  globalThis.addEventListener?.("online", online);
  globalThis.addEventListener?.("offline", offline);
  connect();

  return () => {
    stopped = true;
    clearTimeout(retry);
    globalThis.removeEventListener?.("online", online);
    globalThis.removeEventListener?.("offline", offline);
    if (socket !== null) lost(socket, 1000, "");
  };
}
