// How far the server's clock is ahead of the device's, by the header Date of its responses.

const offsets = new Map<string, { millis: number; error: number }>(); // by origin; `error` is the most by which it is off
const originOf = (url: string) => /^[^/]*\/\/[^/?#]*/.exec(url)?.[0] ?? "";
const exact = 1000;

/** Takes the time of a response whose request was sent at a time of the device's clock. */
export function noteDate(url: string, sentAt: number, { headers }: Response) {
  const date = Date.parse(headers.get("date") ?? "");
  if (Number.isNaN(date)) return;
  // Date has whole seconds, rounded down. The server wrote it between the request and now: after a long upload nobody knows when.
  const now = Date.now();
  const millis = Math.round(date + 500 - (sentAt + now) / 2);
  const error = 500 + (now - sentAt) / 2;
  const before = offsets.get(originOf(url));
  const agrees = before !== undefined && Math.abs(millis - before.millis) <= error + before.error;
  if (error <= exact || !agrees || error <= before.error) offsets.set(originOf(url), { millis, error });
}

/**
 * Returns the server's clock minus the device's in milliseconds, to a second, as of the last response that took no longer than
 * that. A slower one counts if it is better than none, or shows that a clock was set. It is null before the first response, and
 * if the page sees no header Date: wrangler's local Cloudflare sends none.
 */
export const clockOffset = ({ url }: { readonly url: string }): number | null => offsets.get(originOf(url))?.millis ?? null;
