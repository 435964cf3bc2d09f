// The one way to the server. Everything that the console does is a route of docs/protocol.md.
import { session } from "./session";

export interface Answer<T> {
  status: number;
  body: T;
  /** The request's id, by which the server's log finds it. */
  requestId: string;
  headers: Headers;
}

/** A response that is an error, or a request without a response (status 0). */
export class Failure extends Error {
  constructor(
    readonly status: number,
    /** The error's name in docs/protocol.md, such as NOT_FOUND. */
    readonly code: string,
    message: string,
    readonly requestId: string,
    /** The response's body. */
    readonly body: unknown,
  ) {
    super(message);
  }
}

export interface Options {
  query?: Record<string, string | number | undefined>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** What the body of the response is: JSON unless this says otherwise. A status without a body gives undefined. */
  as?: "json" | "text" | "bytes";
  /** Instead of the session's token, at the sign-in. */
  token?: string;
}

// A browser takes a part of a path that is one or two points for a step to another path. So /s/../sync/rows would ask for
// the rows of the root.
const steps = /(^|\/)\.\.?(\/|$)/;

/** Sends a request. A body is sent as JSON, or as it is if it is a text, bytes or a blob. It throws a Failure. */
export async function call<T>(method: string, path: string, body?: unknown, options: Options = {}): Promise<Answer<T>> {
  const { query = {}, signal, as = "json", token } = options;
  if (steps.test(path)) throw new Failure(400, "BAD_REQUEST", "A browser cannot ask for a name that is one or two points.", "", undefined);
  const given = Object.entries(query).filter((pair) => pair[1] !== undefined && pair[1] !== "");
  const url = given.length === 0 ? path : `${path}?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
  const raw = body === undefined || typeof body === "string" || body instanceof Blob || body instanceof Uint8Array;
  const headers = {
    authorization: `Bearer ${token ?? session.token() ?? ""}`,
    ...(raw ? {} : { "content-type": "application/json" }),
    ...options.headers,
  };
  const init: RequestInit = { method, headers, body: (raw ? body : JSON.stringify(body)) as BodyInit | undefined };
  const response = await fetch(url, { ...init, signal, cache: "no-store" }).catch((error: Error) => {
    throw error.name === "AbortError" ? error : new Failure(0, "UNREACHABLE", "The server cannot be reached.", "", undefined);
  });
  if (!response.ok) throw await failureOf(response, token === undefined);
  const empty = response.status === 204 || response.headers.get("content-length") === "0";
  const got = as === "bytes" ? new Uint8Array(await response.arrayBuffer()) : as === "text" ? await response.text() : empty ? undefined : await response.json();
  return { status: response.status, body: got as T, requestId: idOf(response), headers: response.headers };
}

const idOf = (response: Response) => response.headers.get("x-request-id") ?? "";

// failureOf reads the two shapes of errors outside of tRPC, and ends the session if the server does not accept its token.
async function failureOf(response: Response, inSession: boolean): Promise<Failure> {
  const text = await response.text().catch(() => "");
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined; // of a proxy before the server
  }
  const { error, title, detail, code } = (body ?? {}) as { error?: { code: string; message: string }; title?: string; detail?: string; code?: string };
  const message = error?.message ?? detail ?? title ?? `The server returned status ${response.status}.`;
  if (response.status === 401 && inSession) session.end(`The server does not accept the token any more: ${message}`);
  return new Failure(response.status, error?.code ?? code ?? "", message, idOf(response), body);
}
