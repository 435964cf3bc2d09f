import { useMemo } from "react";
import { openRooms, unsavedRooms } from "tidemark-client/documents";
import { installInspector, InspectorPanel } from "tidemark-client/inspector";
import type { Device } from "./device";
import { openProject } from "./projects/open";

interface Props {
  device: Device;
  page: string;
  /** The id of the record, or of the project, that is shown. */
  id: string | undefined;
  onClose(): void;
}

/** Shows what the device has not synced, and why a row is as it is. The browser's console has the same as `__TIDEMARK__`. */
export default function SyncInspector({ device, page, id, onClose }: Props) {
  const project = page === "projects" ? id : undefined;
  const inspector = useMemo(() => {
    const { database } = project === undefined ? device : openProject(device, project);
    return installInspector({
      server: device.server, database, rooms: openRooms, unsavedRooms: () => unsavedRooms(device), explained: project === undefined,
    });
  }, [device, project]);
  const row = id !== undefined && inspector.tables.includes(page) ? { table: page, id } : null;
  return <InspectorPanel inspector={inspector} row={row} onClose={onClose} />;
}
