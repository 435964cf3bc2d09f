import { useEffect, useState } from "react";
import { syncState } from "../safe-sync.js";
import type { Inspector } from "./inspect.js";

const refreshMillis = 2000; // for what tells nobody that it changed

const find = async (inspector: Inspector) => ({
  pending: await inspector.pending(),
  syncs: await inspector.syncs(),
  marks: await inspector.marks(),
  sockets: inspector.sockets(),
  rooms: inspector.rooms(),
  closedRooms: await inspector.closedRooms(),
  clock: inspector.clock(),
});

/** All that the panel shows, at one time. */
export type Findings = Awaited<ReturnType<typeof find>>;

/** Returns what the inspector finds, and again whenever the database or its sync changes; null at first. */
export function useFindings(inspector: Inspector): Findings | null {
  const [findings, setFindings] = useState<Findings | null>(null);
  useEffect(() => {
    const { database } = inspector.inspected;
    let busy = false;
    let again = false;
    let stopped = false;
    const refresh = async () => {
      again = busy;
      if (busy) return;
      busy = true;
      const found = await find(inspector).catch(() => null); // the state of the sync has the error of the database
      busy = false;
      if (stopped) return;
      if (found !== null) setFindings(found);
      if (again) void refresh();
    };
    const changes = database.withChangesForTables(inspector.tables as Parameters<typeof database.withChangesForTables>[0]).subscribe(() => void refresh());
    const unwatch = syncState(database).subscribe(() => void refresh());
    const timer = setInterval(() => void refresh(), refreshMillis);
    return () => {
      stopped = true;
      changes.unsubscribe();
      unwatch();
      clearInterval(timer);
    };
  }, [inspector]);
  return findings;
}
