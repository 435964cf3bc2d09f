// How long the kit waits for a server.

// The server ends a request after LIMIT_CALL_MS, 60 s by default, and says so with
// 408. Whoever waits no longer than that never hears it.
const answerMillis = 90_000;

// How long nothing may come of an answer that has begun.
const stallMillis = 30_000;

/**
 * fetch() that gives up a server that does not answer within `millis`, or stops in
 * the middle of its answer. An upload has that time too, and a download that goes on
 * takes as long as it takes.
 */
export async function patientFetch(url: string, init: RequestInit, millis = answerMillis): Promise<Response> {
  const silence = new AbortController();
  const { signal } = init;
  const giveUp = () => silence.abort(new DOMException("The server did not answer in time", "TimeoutError"));
  const leave = () => silence.abort(signal?.reason);
  if (signal?.aborted) leave();
  signal?.addEventListener("abort", leave);
  let timer = setTimeout(giveUp, millis);
  try {
    const response = await fetch(url, { ...init, signal: silence.signal });
    const reader = response.body?.getReader();
    if (reader === undefined) return response; // it is empty, or the platform has no streams
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
