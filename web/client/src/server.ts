// The server as a client sees it: its URL, the token, and WebSockets that open by tickets.

import { longestTimerMillis } from "./backoff.js";
import { patientFetch } from "./patience.js";
import { noteSocket } from "./sockets.js";

/** A Tidemark server and the person's token. */
export interface Server {
  /** Such as `https://tidemark.example`, without a slash at the end. */
  readonly url: string;
  /** The name of a space; the server's root if absent or empty. */
  readonly space?: string;
  /** Returns the current bearer token; null if nobody is signed in. */
  token(): string | null;
  /** The time limit of a response, 90,000 if absent. It must exceed the server's LIMIT_CALL_MS. */
  readonly timeoutMillis?: number;
  /** Aborted when the person's session on this device ends. Then the kit sends nothing more, and closes the sockets. */
  readonly signal?: AbortSignal | undefined;
}

/** Reports whether a space can have the name: 1 to 64 of `A-Z a-z 0-9 . _ -`, of which the first is a letter or digit. */
export const isSpaceName = (name: string) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name);

/**
 * Returns the URL at which the paths of the space, or of the root, begin. It throws if no space can have the name:
 * a URL with the space `..` would be one of the root.
 */
export function baseUrl({ url, space = "" }: Pick<Server, "url" | "space">): string {
  if (space === "") return url;
  if (!isSpaceName(space)) throw new Error(`no space can have the name ${JSON.stringify(space)}`);
  return `${url}/s/${space}`;
}

// escape writes all but a-z 0-9 . _ - as %XX: names of files may have no comma of the text,
// and Ann's file is not ann's where upper and lower case are the same.
export const escape = (text: string) =>
  encodeURIComponent(text).replace(/%..|[^a-z0-9._-]/g, (c) => (c.length > 1 ? c : `%${c.charCodeAt(0).toString(16).toUpperCase()}`));

/**
 * Returns the name under which a device stores what a subject has in a space, such as the name of a database. Other
 * servers, subjects, spaces or parts have other names. So whoever signs in next neither sees nor pushes it.
 */
export const storageName = ({ url, space = "" }: Pick<Server, "url" | "space">, subject: string, ...parts: string[]) =>
  ["tidemark", url, subject, space, ...parts].map(escape).join(",");

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

// The status of a request, and less 4000 the close code of a socket, after the end of the session. No server sends it.
const sessionEnded = 499;

const endedReason = "This session has ended on this device.";

/** fetch() with time limits, until the person's session ends. From then on it throws an HttpError after which no new try helps. */
export async function send({ signal, timeoutMillis }: Server, url: string, init: RequestInit): ReturnType<typeof patientFetch> {
  const ended = () => new HttpError(sessionEnded, "SESSION_ENDED", endedReason);
  if (signal?.aborted) throw ended();
  const controller = new AbortController();
  const leave = () => controller.abort(init.signal?.reason);
  const signals = [signal, init.signal];
  for (const one of signals) one?.addEventListener("abort", leave);
  if (init.signal?.aborted) leave();
  try {
    return await patientFetch(url, { ...init, signal: controller.signal }, timeoutMillis);
  } catch (error) {
    throw signal?.aborted ? ended() : error;
  } finally {
    for (const one of signals) one?.removeEventListener("abort", leave);
  }
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
  const response = await send(server, baseUrl(server) + path, init);
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

/** The close code of a space that was deleted, and of a document that was. */
export const CLOSE_DELETED = 4404;

// The close code after which a client tries again: the token has ended, and there is a new one.
const CLOSE_RENEWED = 4500;

/** Reports whether a close code is final, 4400 to 4499: a new try would fail, too. */
export const isFinal = (code: number) => code >= 4400 && code < 4500;

const closings: Record<number, string> = {
  4401: "Your sign-in has ended. Sign in again.",
  4403: "Your sign-in does not allow this.",
  [CLOSE_DELETED]: "Somebody deleted this.",
  4413: "This is too large for the server.",
};

const spaceClosings: Record<number, [reason: RegExp, text: string]> = {
  4403: [/spaces do not include/, "Your sign-in does not include this space."],
  [CLOSE_DELETED]: [/space was deleted/, "Somebody deleted this space. This device keeps what it has of it."],
  4413: [/LIMIT_SPACE_BYTES/, "This space is full (LIMIT_SPACE_BYTES). It can be read, and takes deletions until it holds less."],
};

/** A socket that the server closed for good. The message says why in plain words. */
export class ClosedError extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
  ) {
    const [pattern, text] = spaceClosings[code] ?? [];
    super(pattern?.test(reason) ? text : (closings[code] ?? `The server closed the connection with ${code}. ${reason}`));
    this.name = "ClosedError";
  }
}

/**
 * Returns a WebSocket class that gets a single-use ticket and then opens with `?ticket=`, so that no token is ever
 * part of a URL. It has the part of WebSocket that y-websocket and subscribe() use: give it to y-websocket as
 * `WebSocketPolyfill`. It closes with 4401 if the server rejects the token, with 4403 if the token does not include
 * the space, and with 1006 if the server is unreachable. While the server asks to wait, as in a paused space, it asks
 * again after the time of `Retry-After`. If the token ends it closes with 4401, or with 4500 if `token()` returns a new one by then.
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
    #over = false; // onclose was called
    #retry: ReturnType<typeof setTimeout> | undefined; // of the request for a ticket
    readonly #url: string;

    constructor(url: string) {
      this.#url = url;
      noteSocket(url, { state: "connecting" });
      server.signal?.addEventListener("abort", this.#leave);
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
      if (this.#retry === undefined) return;
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => this.#ended({ code: 1006, reason: "" } as CloseEvent, null));
    }

    async #open(url: string) {
      this.#retry = undefined;
      const token = server.token();
      let socket: WebSocket;
      try {
        const { ticket } = await callJson<{ ticket: string }>(server, "POST", "/auth/ticket");
        if (this.#closed) return this.#ended({ code: 1006, reason: "" } as CloseEvent, token);
        socket = new WebSocket(`${url}${url.includes("?") ? "&" : "?"}ticket=${encodeURIComponent(ticket)}`);
      } catch (error) {
        const wait = error instanceof HttpError ? error.retryAfterMillis : null;
        if (wait && !this.#closed) {
          this.#retry = setTimeout(() => void this.#open(url), Math.min(wait, longestTimerMillis));
          return;
        }
        const refused = error instanceof HttpError && [401, 403, sessionEnded].includes(error.status);
        const code = refused ? 4000 + error.status : 1006;
        this.#ended({ code, reason: (error as Error).message } as CloseEvent, token);
        return;
      }
      this.#socket = socket;
      if (this.binaryType !== "blob") socket.binaryType = this.binaryType; // React Native sets "blob" only with a module of its own
      socket.onopen = (event) => {
        noteSocket(url, { state: "open" });
        // React Native for Android does not close a socket that is still connecting.
        if (this.#closed) socket.close();
        else this.onopen?.(event);
      };
      socket.onmessage = (event) => {
        noteSocket(url, { lastMessageAt: Date.now() });
        this.onmessage?.(event);
      };
      socket.onerror = (event) => this.onerror?.(event);
      socket.onclose = (event) => this.#ended(event, token);
    }

    // The session has ended.
    #leave = () => {
      clearTimeout(this.#retry);
      this.#ended({ code: 4000 + sessionEnded, reason: endedReason } as CloseEvent, null);
      this.#socket?.close();
    };

    // token is the token that got the ticket.
    #ended(event: CloseEvent, token: string | null) {
      if (this.#over) return;
      this.#over = true;
      server.signal?.removeEventListener("abort", this.#leave);
      this.#closed = true;
      const now = server.token();
      const { code = 1006, reason = "" } = event; // React Native knows neither of a connection that broke
      noteSocket(this.#url, { state: "closed", closed: { code, reason } });
      const renewed = code === CLOSE_UNAUTHORIZED && now !== null && now !== token;
      this.onclose?.({ code: renewed ? CLOSE_RENEWED : code, reason } as CloseEvent);
    }
  }
  return TicketSocket as unknown as typeof WebSocket;
}

/** Returns the WebSocket URL of a path. */
export const socketUrl = (server: Server, path: string) => baseUrl(server).replace(/^http/, "ws") + path;
