// The one way to the server. Everything that the console does is a route of docs/protocol.md.
import { session } from "./session";

export interface Answer<T> {
  body: T;
  /** The request's id, by which the server's log finds it. */
  requestId: string;
}

/** A response that is an error, or a request without a response (status 0). */
export class Failure extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly requestId: string,
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
  if (steps.test(path)) throw new Failure(400, "A browser cannot ask for a name that is one or two points.", "");
  const given = Object.entries(query).filter((pair) => pair[1] !== undefined && pair[1] !== "");
  const url = given.length === 0 ? path : `${path}?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
  const raw = body === undefined || typeof body === "string" || body instanceof Blob || body instanceof Uint8Array;
  const used = token ?? session.token() ?? "";
  const headers = {
    authorization: `Bearer ${used}`,
    ...(raw ? {} : { "content-type": "application/json" }),
    ...options.headers,
  };
  const init: RequestInit = { method, headers, body: (raw ? body : JSON.stringify(body)) as BodyInit | undefined };
  const response = await fetch(url, { ...init, signal, cache: "no-store" }).catch(lost);
  if (!response.ok) throw await failureOf(response, token === undefined ? used : undefined);
  const got = await (as === "bytes" ? response.arrayBuffer() : response.text()).catch(lost);
  const read = typeof got !== "string" ? new Uint8Array(got) : as === "text" ? got : parsed(got, response);
  return { body: read as T, requestId: idOf(response) };
}

// lost throws the failure of a request whose response, or the end of it, did not come.
function lost(error: Error): never {
  throw error.name === "AbortError" ? error : new Failure(0, "The server cannot be reached.", "");
}

function parsed(text: string, response: Response): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new Failure(response.status, "The response is not JSON. A proxy before the server may have sent it.", idOf(response));
  }
}

const idOf = (response: Response) => response.headers.get("x-request-id") ?? "";

// failureOf reads the two shapes of errors outside of tRPC, and ends the session if the server does not accept its token.
// used is the session's token when the request was sent: another session may have begun since.
async function failureOf(response: Response, used?: string): Promise<Failure> {
  const text = await response.text().catch(() => "");
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined; // of a proxy before the server
  }
  const { error, title, detail } = (body ?? {}) as { error?: { message: string }; title?: string; detail?: string };
  const message = error?.message ?? detail ?? title ?? `The server returned status ${response.status}.`;
  if (response.status === 401 && used !== undefined && used === session.token()) session.end(`The server does not accept the token any more: ${message}`);
  return new Failure(response.status, message, idOf(response));
}
