// The time limits of a request.
import { noteDate } from "./clock-offset.js";

// Until the response begins. The server ends a request after LIMIT_CALL_MS, 60 s by
// default, and returns 408. A client must wait longer to see that.
const responseMillis = 90_000;

// Between two parts of a response.
const stallMillis = 30_000;

/**
 * fetch() with time limits. It fails if the response does not begin within `millis`, upload included, or stops
 * in the middle. A download that makes progress has no limit.
 */
export async function patientFetch(url: string, init: RequestInit, millis = responseMillis): Promise<Response> {
  const timeout = new AbortController();
  const { signal } = init;
  const giveUp = () => timeout.abort(new DOMException("The server did not respond in time", "TimeoutError"));
  const leave = () => timeout.abort(signal?.reason);
  if (signal?.aborted) leave();
  signal?.addEventListener("abort", leave);
  let timer = setTimeout(giveUp, millis);
  const sentAt = Date.now();
  try {
    const response = await fetch(url, { ...init, signal: timeout.signal });
    noteDate(url, sentAt, response);
    const reader = response.body?.getReader();
    if (reader === undefined) return response; // no body, or a platform without streams
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (;;) {
      clearTimeout(timer);
      timer = setTimeout(giveUp, stallMillis);
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
    }
    const { status, statusText, headers } = response;
    return new Response(parts.length > 0 ? new Blob(parts) : null, { status, statusText, headers });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", leave);
  }
}
