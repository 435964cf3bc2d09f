// The time limits of a request.
import { noteDate } from "./clock-offset.js";

// Until the response begins. The server ends a request after LIMIT_CALL_MS, 60 s by
// default, and returns 408. A client must wait longer to see that.
const responseMillis = 90_000;

// Between two parts of a response.
const stallMillis = 30_000;

/** A response that has arrived, as far as the kit and tRPC need it. */
export interface Answer extends Pick<Response, "ok" | "status" | "headers"> {
  text(): Promise<string>;
  json(): Promise<unknown>;
}

const named = (name: string, message: string) => Object.assign(new Error(message), { name });

/**
 * fetch() with time limits. It fails if the response does not begin within `millis`, upload included, or stops
 * in the middle. A download that makes progress has no limit. On a platform without streams, as React Native, nobody sees
 * the progress, and the whole response must arrive within `millis`.
 */
export async function patientFetch(url: string, init: RequestInit, millis = responseMillis): Promise<Answer> {
  const controller = new AbortController();
  const { signal } = init;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let fail!: (error: unknown) => void;
  // React Native's AbortController has no reason, and not every fetch() ends when it is aborted.
  const failure = new Promise<never>((_, reject) => {
    fail = (error) => {
      reject(error);
      controller.abort(error);
    };
  });
  const wait = (limit: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => fail(named("TimeoutError", "The server did not respond in time")), limit);
  };
  const leave = () => fail(signal?.reason ?? named("AbortError", "The request was aborted"));
  wait(millis);
  signal?.addEventListener("abort", leave);
  if (signal?.aborted) leave();
  try {
    return await Promise.race([failure, receive(url, { ...init, signal: controller.signal }, wait)]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", leave);
  }
}

async function receive(url: string, init: RequestInit, wait: (limit: number) => void): Promise<Answer> {
  const sentAt = Date.now();
  const response = await fetch(url, init);
  noteDate(url, sentAt, response);
  const { ok, status, headers } = response;
  const text = await read(response, wait);
  return { ok, status, headers, text: async () => text, json: async () => JSON.parse(text) };
}

async function read(response: Response, wait: (limit: number) => void): Promise<string> {
  if (response.body === null) return "";
  if (response.body === undefined || typeof TextDecoder === "undefined") return response.text();
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    wait(stallMillis);
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
  }
}
