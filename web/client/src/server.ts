// The server as a client sees it: its URL, the token, and WebSockets that open by tickets.

import { patientFetch } from "./patience.js";

/** A Tidemark server and the person's token. */
export interface Server {
  /** Such as `https://tidemark.example`, without a slash at the end. */
  readonly url: string;
  /** Returns the current bearer token; null if nobody is signed in. */
  token(): string | null;
  /** The time limit of a response, 90,000 if absent. It must exceed the server's LIMIT_CALL_MS. */
  readonly timeoutMillis?: number;
}

/** A response that is not 2xx. The server sent `code` and `detail`. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly retryAfterMillis: number | null = null,
  ) {
    super(detail || code || `the server returned status ${status}`);
    this.name = "HttpError";
  }
}

/** Returns the wait that `Retry-After` asks for, in milliseconds; null without one. */
export function retryAfter(headers: Headers): number | null {
  const seconds = Number(headers.get("retry-after") ?? NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}

/** Sends JSON and returns JSON. Throws HttpError, or the error of fetch() when offline. */
export async function callJson<T>(server: Server, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  const init = {
    method,
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      authorization: `Bearer ${server.token() ?? ""}`,
      ...headers,
    },
    body: body === undefined ? null : JSON.stringify(body),
  };
  const response = await patientFetch(server.url + path, init, server.timeoutMillis);
  const text = await response.text();
  if (response.ok) return (text === "" ? undefined : JSON.parse(text)) as T;
  throw new HttpError(response.status, ...reason(text), retryAfter(response.headers));
}

// reason reads the code and the text of an error: of problem+json its title and detail, of
// the other routes the error's message.
function reason(text: string): [code: string, detail: string] {
  try {
    const { code, title, detail, error } = JSON.parse(text);
    return [String(code ?? error?.code ?? ""), [title, detail ?? error?.message].filter(Boolean).join(". ")];
  } catch {
    return ["", ""];
  }
}

/** The close code after which the person must sign in again. */
export const CLOSE_UNAUTHORIZED = 4401;

// The close code after which a client tries again: the token has ended, and there is a new one.
const CLOSE_RENEWED = 4500;

/** Reports whether a close code is final, 4400 to 4499: a new try would fail, too. */
export const isFinal = (code: number) => code >= 4400 && code < 4500;

/**
 * Returns a WebSocket class that gets a single-use ticket and then opens with `?ticket=`, so that no token is ever
 * part of a URL. It has the part of WebSocket that y-websocket and subscribe() use: give it to y-websocket as
 * `WebSocketPolyfill`. It closes with 4401 if the server rejects the token, and with 1006 if the server is
 * unreachable. If the token ends it closes with 4401, or with 4500 if `token()` returns a new one by then.
 */
export function ticketSocket(server: Server): typeof WebSocket {
  class TicketSocket {
    static readonly OPEN = 1;
    readonly OPEN = 1;
    binaryType: BinaryType = "blob";
    onopen: ((event: Event) => void) | null = null;
    onmessage: ((event: MessageEvent) => void) | null = null;
    onclose: ((event: CloseEvent) => void) | null = null;
    onerror: ((event: Event) => void) | null = null;
    #socket: WebSocket | null = null;
    #closed = false;

    constructor(url: string) {
      void this.#open(url);
    }

    get readyState(): number {
      return this.#socket?.readyState ?? (this.#closed ? 3 : 0);
    }

    send(data: string | Uint8Array<ArrayBuffer>) {
      this.#socket?.send(data);
    }

    close(code?: number, reason?: string) {
      this.#closed = true;
      this.#socket?.close(code, reason);
    }

    async #open(url: string) {
      const token = server.token();
      let socket: WebSocket;
      try {
        const { ticket } = await callJson<{ ticket: string }>(server, "POST", "/auth/ticket");
        if (this.#closed) return this.#ended({ code: 1006, reason: "" } as CloseEvent, token);
        socket = new WebSocket(`${url}${url.includes("?") ? "&" : "?"}ticket=${encodeURIComponent(ticket)}`);
      } catch (error) {
        const code = error instanceof HttpError && error.status === 401 ? CLOSE_UNAUTHORIZED : 1006;
        this.#ended({ code, reason: String(error) } as CloseEvent, token);
        return;
      }
      this.#socket = socket;
      socket.binaryType = this.binaryType;
      socket.onopen = (event) => this.onopen?.(event);
      socket.onmessage = (event) => this.onmessage?.(event);
      socket.onerror = (event) => this.onerror?.(event);
      socket.onclose = (event) => this.#ended(event, token);
    }

    // token is the token that got the ticket.
    #ended(event: CloseEvent, token: string | null) {
      this.#closed = true;
      const now = server.token();
      const renewed = event.code === CLOSE_UNAUTHORIZED && now !== null && now !== token;
      this.onclose?.(renewed ? ({ code: CLOSE_RENEWED, reason: event.reason } as CloseEvent) : event);
    }
  }
  return TicketSocket as unknown as typeof WebSocket;
}

/** Returns the WebSocket URL of a path. */
export const socketUrl = (server: Server, path: string) => server.url.replace(/^http/, "ws") + path;
