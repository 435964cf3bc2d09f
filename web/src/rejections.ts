// The changes that the server rejected, until the person dismisses them or closes the page.
import type { Rejection } from "tidemark-client";

/** A rejected change, and the space of its row. */
export interface RejectedChange extends Rejection {
  readonly space: string;
}

let changes: readonly RejectedChange[] = [];
const listeners = new Set<() => void>();

function set(next: readonly RejectedChange[]) {
  changes = next;
  for (const listener of listeners) listener();
}

const placeOf = ({ space, table, id, column }: RejectedChange) => JSON.stringify([space, table, id, column]);

/** The rejected changes of all spaces, in the form of React's useSyncExternalStore. */
export const rejections = {
  get: () => changes,
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
  /** Adds the rejections of a push. A value that is rejected again while the person types counts once. */
  add(space: string, rejected: readonly Rejection[]) {
    const all = [...changes, ...rejected.map((rejection) => ({ ...rejection, space }))];
    set([...new Map(all.map((change) => [placeOf(change), change])).values()]);
  },
  dismiss: () => set([]),
};
