// The server as a client sees it: where it is, who we are, and how a WebSocket
// gets in.

import { patientFetch } from "./patience.js";

/** A Tidemark server and our way in. */
export interface Server {
  /** Such as `https://tidemark.example`, without a slash at the end. */
  readonly url: string;
  /** The bearer token of this moment, or null if nobody is signed in. */
  token(): string | null;
  /** How long an answer may take, 90,000 if absent: more than the server's LIMIT_CALL_MS. */
  readonly timeoutMillis?: number;
}

/** An answer that is not 2xx. `code` and `detail` are the server's own words. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly retryAfterMillis: number | null = null,
  ) {
    super(detail || code || `the server answered ${status}`);
    this.name = "HttpError";
  }
}

/** The wait that an answer asks for in `Retry-After` (seconds), or null. */
export function retryAfter(headers: Headers): number | null {
  const seconds = Number(headers.get("retry-after") ?? NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}

/** Sends JSON, answers JSON; throws HttpError, or what fetch throws when offline. */
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

// reason reads problem+json, whose title says what is wrong and whose detail
// what to do, and the error shape of the other routes.
function reason(text: string): [code: string, detail: string] {
  try {
    const { code, title, detail, error } = JSON.parse(text);
    return [String(code ?? error?.code ?? ""), [title, detail ?? error?.message].filter(Boolean).join(". ")];
  } catch {
    return ["", ""];
  }
}

/** The close code that stands for "sign in again". */
export const CLOSE_UNAUTHORIZED = 4401;

// The close code for "the token has ended, and there is a new one": try again.
const CLOSE_RENEWED = 4500;

/** Close codes that trying again does not cure: 4400-4499. */
export const isFinal = (code: number) => code >= 4400 && code < 4500;

/**
 * A WebSocket that fetches a single-use ticket and then opens with `?ticket=`,
 * so that no token is ever part of a URL. It has the part of WebSocket that
 * y-websocket and subscribe() use, and can be given to y-websocket as
 * `WebSocketPolyfill`. A refused ticket closes with 4401, an unreachable
 * server with 1006. A socket whose token ends closes with 4401, too, but with a
 * code that may be tried again if `token()` has another one by then.
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

    // token is the one of the ticket.
    #ended(event: CloseEvent, token: string | null) {
      this.#closed = true;
      const now = server.token();
      const renewed = event.code === CLOSE_UNAUTHORIZED && now !== null && now !== token;
      this.onclose?.(renewed ? ({ code: CLOSE_RENEWED, reason: event.reason } as CloseEvent) : event);
    }
  }
  return TicketSocket as unknown as typeof WebSocket;
}

/** The server's URL for WebSockets. */
export const socketUrl = (server: Server, path: string) => server.url.replace(/^http/, "ws") + path;
