// The op OP_FETCH: the guest asks another server.
import { Writer } from "./frame.mjs";

const MAX_FETCH_MS = 60_000, MAX_FETCH_BYTES = 16 << 20;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
const TRUSTED = 0, PUBLIC = 1, ANY = 2; // abi.Reach
const MAYBE_PRIVATE = /^(.*\.)?localhost\.?$|^[\d.]+$|^\[/;

// fetchFrame sends a request to another server and answers the frame of
// abi.Fetched. A redirect is an answer, and is not followed. It fails when stop is aborted.
export async function fetchFrame(reader, env, stop) {
  const timeout = Math.min(reader.u32(), MAX_FETCH_MS);
  const limit = Math.min(reader.u32(), MAX_FETCH_BYTES);
  const reach = reader.u32();
  const [first, ...lines] = reader.text().split("\n");
  const space = first.indexOf(" ");
  const url = new URL(first.slice(space + 1));
  const trusted = reach === TRUSTED && (LOOPBACK.test(url.hostname) || env.DEV_MODE === "1");
  const plain = url.protocol === "http:" && (trusted || reach === ANY);
  if (url.protocol !== "https:" && !plain) throw new Error("a URL to fetch must begin with https://");
  // A name that leads to a private address is Cloudflare's matter: its network does not route
  // there. An address as the host is refused, because it may be one.
  if (reach === PUBLIC && MAYBE_PRIVATE.test(url.hostname)) throw new Error("the URL to fetch leads to a private address");
  const body = reader.rest();
  const answer = await fetch(url, {
    method: first.slice(0, space),
    headers: lines.map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]),
    body: body.length > 0 ? body : undefined,
    redirect: "manual",
    signal: AbortSignal.any([stop, AbortSignal.timeout(timeout)]),
  });
  const parts = [];
  let length = 0;
  if (limit === 0) await answer.body?.cancel();
  for await (const part of limit === 0 ? [] : (answer.body ?? [])) {
    length += part.length;
    if (length > limit) throw new Error(`the answer is longer than ${limit} bytes`);
    parts.push(part);
  }
  let head = String(answer.status);
  for (const [name, value] of answer.headers) head += `\n${name}: ${value}`;
  return new Writer().fetched(head, parts);
}
