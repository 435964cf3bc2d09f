import { useEffect, useReducer, useSyncExternalStore } from "react";
import { statusOf, type SyncState } from "tidemark-client";

const subscribe = (listener: () => void) => {
  addEventListener("online", listener);
  addEventListener("offline", listener);
  return () => {
    removeEventListener("online", listener);
    removeEventListener("offline", listener);
  };
};

/** Shows the state of the sync, the number of unsynced changes, and the time of the last sync. */
export function StatusChip({ state, unsynced, expired }: { state: SyncState; unsynced: number; expired: boolean }) {
  const online = useSyncExternalStore(subscribe, () => navigator.onLine);
  const [, rerender] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const timer = setInterval(rerender, 15_000);
    return () => clearInterval(timer);
  }, []);

  const [kind, word] = labelOf(state, online, expired);
  const last = state.lastSyncAt === null ? "never synced" : `synced ${ago(Date.now() - state.lastSyncAt)}`;
  return (
    <span className={`chip ${kind}`} role="status" data-unsynced={unsynced} title={state.error?.message}>
      <i aria-hidden="true" />
      <b>{word}</b>
      {unsynced > 0 && <span>{unsynced} unsynced</span>}
      <small>{last}</small>
    </span>
  );
}

function labelOf({ phase, error }: SyncState, online: boolean, expired: boolean): [kind: string, word: string] {
  if (expired) return ["bad", "Signed out"];
  if (!online) return ["off", "Offline"];
  switch (phase) {
    case "syncing":
      return ["busy", "Syncing"];
    case "waiting":
      return ["off", statusOf(error) === null ? "Unreachable" : "Waiting"]; // the title says what the server asks for
    case "refused":
      return ["bad", "Rejected"];
    case "idle":
      return ["on", "Online"];
  }
}

function ago(millis: number): string {
  if (millis < 45_000) return "just now";
  const minutes = Math.round(millis / 60_000);
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.round(minutes / 60)} h ago`;
  return `${Math.round(minutes / 1440)} days ago`;
}
