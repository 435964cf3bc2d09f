// What was done, or failed after its dialog was closed: the three last lines. A line stays until the person dismisses it, or leaves the page behind the one on
// which it was done: after the deletion of a space the page goes to the list.
import { useSyncExternalStore } from "react";

export interface Done {
  /** A sentence in the past tense: "The space acme is deleted." */
  text: string;
  requestId?: string;
  /** It was not done. */
  failed?: boolean;
}

const most = 3;
let lines: (Done & { key: number; old: boolean })[] = [];
let key = 0;
const listeners = new Set<() => void>();

function set(next: typeof lines) {
  lines = next;
  listeners.forEach((listener) => listener());
}

export const say = (done: Done) => set([...lines, { ...done, key: ++key, old: false }].slice(-most));

/** The person has gone to another page. */
export const age = () => set(lines.filter(({ old }) => !old).map((line) => ({ ...line, old: true })));

export function Notices() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => lines,
  );
  return (
    <div className="notices" role="status" aria-label="What was done">
      {shown.length > 0 && <ul>{shown.map(({ key, text, requestId, failed }) => (
        <li key={key} className={failed ? "failed" : undefined}>
          <span>{text}</span>
          {requestId && <span className="id">Request <code>{requestId}</code></span>}
          <button type="button" className="quiet" aria-label={`Dismiss: ${text}`} onClick={() => set(lines.filter((line) => line.key !== key))}>✕</button>
        </li>
      ))}</ul>}
    </div>
  );
}
