import { useState } from "react";
import { call } from "../../api";
import { useLoad, type Load } from "../../load";
import type { Version } from "./documents";

const page = 100; // versions of one response

export interface VersionList extends Load<Version[]> {
  /** Loads older versions; undefined if there are none. */
  more: (() => Promise<void>) | undefined;
}

/** Loads the versions of a document, the newest first. */
export function useVersions(path: string): VersionList {
  const first = useLoad(async (signal) => (await call<{ versions: Version[] }>("GET", `${path}/versions`, undefined, { signal })).body.versions, [path]);
  // The older ones belong to one response with the newest: after another response there may be a gap between them.
  const [older, setOlder] = useState<{ of?: Version[]; list: Version[]; ended: boolean }>({ list: [], ended: false });
  const { list, ended } = older.of === first.value ? older : { list: [], ended: false };
  const value = first.value && [...first.value, ...list];
  const more = async () => {
    const { versions } = (await call<{ versions: Version[] }>("GET", `${path}/versions`, undefined, { query: { before: value!.at(-1)!.id } })).body;
    setOlder({ of: first.value, list: [...list, ...versions], ended: versions.length < page });
  };
  const whole = ended || first.value === undefined || first.value.length < page;
  return { ...first, value, more: whole ? undefined : more };
}
