import { useMemo } from "react";
import { installInspector, InspectorPanel } from "tidemark-client/inspector";
import { openRooms } from "tidemark-client/documents";
import type { Device } from "./device";

interface Props {
  device: Device;
  page: string;
  /** The id of the record that is shown. */
  id: string | undefined;
  onClose(): void;
}

/** Shows what the device has not synced, and why a row is as it is. The browser's console has the same as `__TIDEMARK__`. */
export default function SyncInspector({ device: { server, database }, page, id, onClose }: Props) {
  const inspector = useMemo(() => installInspector({ server, database, rooms: openRooms }), [server, database]);
  const row = id !== undefined && inspector.tables.includes(page) ? { table: page, id } : null;
  return <InspectorPanel inspector={inspector} row={row} onClose={onClose} />;
}
