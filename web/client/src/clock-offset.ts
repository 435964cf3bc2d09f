// How far the server's clock is ahead of the device's, by the header Date of its responses.

const offsets = new Map<string, number>(); // by origin
const originOf = (url: string) => /^[^/]*\/\/[^/?#]*/.exec(url)?.[0] ?? "";

/** Takes the time of a response whose request was sent at a time of the device's clock. */
export function noteDate(url: string, sentAt: number, { headers }: Response) {
  const date = Date.parse(headers.get("date") ?? "");
  // Date has whole seconds, rounded down. The server wrote it between the request and now.
  if (!Number.isNaN(date)) offsets.set(originOf(url), Math.round(date + 500 - (sentAt + Date.now()) / 2));
}

/**
 * Returns the server's clock minus the device's in milliseconds, to about half a second, as of the last response. It
 * is null before the first response, and if the page sees no header Date: wrangler's local Cloudflare sends none.
 */
export const clockOffset = ({ url }: { readonly url: string }): number | null => offsets.get(originOf(url)) ?? null;
