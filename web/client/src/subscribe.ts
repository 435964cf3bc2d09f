// SyncRoom: the server tells its clients that a table changed, and not which rows.
import { backoff } from "./backoff.js";
import { browserPlatform, type Platform } from "./platform.js";
import { isFinal, socketUrl, ticketSocket, type Server } from "./server.js";

/** A message of SyncRoom. Each connection begins with one `hello`. */
export interface Notification {
  type: "hello" | "change";
  table: string;
  /** The stamp of the change. A project's room sends `timestamp` instead. */
  stamp?: number;
  timestamp?: number;
}

export interface Subscription {
  /** `/sync/subscribe` if absent, or the path of a project. */
  path?: string;
  /** What tells that the device is online and the app active; browserPlatform if absent. */
  platform?: Platform;
  onNotification(notification: Notification): void;
  /** Called when the connection opens and closes. */
  onConnected?(connected: boolean): void;
  /** Called when the server closed with a final code (4401: sign in again). There are no more attempts. `new ClosedError(code, reason)` has a text for people. */
  onRefused?(code: number, reason: string): void;
}

const pingMillis = 25_000;
const pongMillis = 10_000;

/**
 * Listens to SyncRoom and returns a function that stops. It reconnects by itself with a new ticket, with growing
 * waits, and at once when the device comes online or the app becomes active. A connection without a response to `ping` counts as lost.
 */
export function subscribe(server: Server, options: Subscription): () => void {
  const { path = "/sync/subscribe", platform = browserPlatform, onNotification, onConnected, onRefused } = options;
  const Socket = ticketSocket(server);
  let socket: WebSocket | null = null;
  let failures = 0;
  let stopped = false;
  let refused = false;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let heartbeat: ReturnType<typeof setTimeout> | undefined;

  function connect() {
    clearTimeout(retry);
    const current = new Socket(socketUrl(server, path));
    socket = current;
    current.onopen = () => {
      onConnected?.(true);
      current.send("ping"); // workerd delays the close event of a socket that has sent nothing, by ten seconds
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
      return; // a message of a newer server
    }
    if (message.type === "hello" || message.type === "change") onNotification(message);
  }

  function beat(current: WebSocket) {
    clearTimeout(heartbeat);
    heartbeat = setTimeout(() => ask(current), pingMillis);
  }

  function ask(current: WebSocket) {
    clearTimeout(heartbeat);
    current.send("ping");
    heartbeat = setTimeout(() => lost(current, 1006, "no pong"), pongMillis);
  }

  function lost(current: WebSocket, code: number, reason: string) {
    if (socket !== current) return;
    socket = null;
    clearTimeout(heartbeat);
    current.close();
    onConnected?.(false);
    if (stopped) return;
    if (isFinal(code)) {
      refused = true;
      onRefused?.(code, reason);
      return;
    }
    retry = setTimeout(connect, backoff(++failures, 500, 30_000));
  }

  const online = (now: boolean) => {
    if (now && socket === null && !stopped && !refused) connect();
    if (!now && socket !== null) lost(socket, 1006, "offline");
  };
  // While an app sleeps, its sockets can end without an event.
  const active = () => {
    if (socket?.readyState === 1) ask(socket);
    else online(true);
  };
  const unwatch = [platform.onConnection?.(online), platform.onActive?.(active)];
  connect();

  return () => {
    stopped = true;
    clearTimeout(retry);
    for (const stop of unwatch) stop?.();
    if (socket !== null) lost(socket, 1000, "");
  };
}
