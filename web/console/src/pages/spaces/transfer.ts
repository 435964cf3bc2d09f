// Export and import by pages, as docs/protocol.md has them: a file is the pages of an export, one after the other.
import { call, Failure } from "../../api";
import { inPlace } from "../../route";

export interface Progress {
  pages: number;
  /** Of the file. */
  bytes: number;
}

const attempts = 5; // of a page whose response was lost, or that the server could not take yet

/** An export so far. */
export interface Exported {
  /** Each in a blob, which the browser may keep on its disk. */
  pages: Blob[];
  bytes: number;
  /** Of the next page: none at first, and null behind the last page. */
  cursor?: string | null;
}

/** Reads the pages of a place that `of` does not have yet, and returns all of them as a file. */
export async function exportPlace(place: string, of: Exported, signal: AbortSignal, tell: (progress: Progress) => void): Promise<Blob> {
  while (of.cursor !== null) {
    const query = { cursor: of.cursor };
    const { body } = await again(signal, () => call<string>("GET", inPlace(place, "/export"), undefined, { query, signal, as: "text" }));
    const page = new Blob([body]);
    of.cursor = (JSON.parse(body.slice(body.lastIndexOf("\n", body.length - 2) + 1)) as { next: string | null }).next;
    of.pages.push(page);
    of.bytes += page.size;
    tell({ pages: of.pages.length, bytes: of.bytes });
  }
  return new Blob(of.pages, { type: "application/x-ndjson" });
}

/** Sends the pages of a file to an empty space, and returns the number of lines and the last request's id. */
export async function importSpace(space: string, file: Blob, signal: AbortSignal, tell: (progress: Progress) => void): Promise<{ lines: number; requestId: string }> {
  const progress = { pages: 0, bytes: 0 };
  let lines = 0;
  let last: { next: string | null; requestId: string } | undefined;
  for await (const { text, bytes } of pagesOf(file)) {
    const { body, requestId } = await again(signal, () => call<{ imported: number; next: string | null }>("POST", inPlace(space, "/import"), text, { signal }));
    lines += body.imported;
    last = { next: body.next, requestId };
    tell({ pages: ++progress.pages, bytes: (progress.bytes += bytes) });
  }
  if (last === undefined || last.next !== null) {
    throw new Error("The file ends before the last page of its export, so the space is not complete. Import the whole file into it, or delete the space.");
  }
  return { lines, requestId: last.requestId };
}

/** Returns the pages of a file. A page ends with the line {"next":…}. */
export async function* pagesOf(file: Blob): AsyncGenerator<{ text: string; bytes: number }> {
  const reader = file.stream().pipeThrough(new TextDecoderStream()).getReader();
  let [page, rest] = ["", ""];
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = done ? "" : lines.pop()!;
    for (const line of lines) {
      if (line === "") continue;
      page += `${line}\n`;
      if (!line.startsWith('{"next":')) continue;
      yield { text: page, bytes: new Blob([page]).size };
      page = "";
    }
    if (done) break;
  }
  if (page !== "") yield { text: page, bytes: new Blob([page]).size }; // the server says what is wrong with it
}

// pause waits some milliseconds. It throws the error of an abort as soon as signal is aborted.
const pause = (millis: number, signal: AbortSignal) =>
  new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, millis);
    const stop = () => (clearTimeout(timer), reject(signal.reason as Error));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });

// again repeats a request that may be sent again: it had no response, or one that passes.
async function again<T>(signal: AbortSignal, send: () => Promise<T>): Promise<T> {
  for (let n = 1; ; n++) {
    try {
      return await send();
    } catch (error) {
      const passes = error instanceof Failure && (error.status === 0 || error.status === 429 || error.status >= 500);
      if (!passes || n === attempts) throw error;
      await pause(1000 * n, signal);
    }
  }
}
