// One pull, and one push in parts, of a database, with the functions of WatermelonDB's own sync.
import type { Database } from "@nozbe/watermelondb";
import { fetchLocalChanges, getLastPulledAt, markLocalChangesAsSynced } from "@nozbe/watermelondb/sync/impl/index.js";
import { synchronize, type SyncPullResult } from "@nozbe/watermelondb/sync/index.js";
import { countChanges, type Changes } from "./changes.js";
import { isLate } from "./failure.js";
import { changesOf, cut, halved, inOrder, type Entry } from "./parts.js";
import { replacementOf } from "./replacement.js";
import type { PullArgs, PullResult, PushLimits, PushResult, Replacement, SyncSource } from "./source.js";
import { canTurbo, turboJson } from "./turbo.js";

export interface Pulled {
  readonly rows: number;
  readonly changes: Changes;
  readonly replaced: boolean;
  /** Null without a replacement, and if the source does not ask for it. */
  readonly replacement: Replacement | null;
}

/** Pulls, and applies all pages as one. `progress` gets the number of rows, and their total once it is known. */
export async function pull(database: Database, source: SyncSource, progress: (done: number, total: number | null) => void): Promise<Pulled> {
  const ask = async (args: PullArgs) => {
    const result = await source.pull({ ...args, onProgress: (rows) => progress(rows, null) });
    const rows = countChanges(result.changes);
    const replaced = result.experimentalStrategy === "replacement";
    if (rows > 0) progress(rows, rows);
    return { result, rows, replaced, replacement: replaced && source.onReplaced ? await replacementOf(database, result.changes) : null };
  };
  let pulled: (Omit<Pulled, "changes"> & { result: PullResult }) | undefined;
  let turbo = false;
  if (await canTurbo(database)) {
    pulled = await ask({ lastPulledAt: null, schemaVersion: database.schema.version, migration: null });
    turbo = await canTurbo(database); // the app may have written rows, or shown some, meanwhile
  }
  const apply = (unsafeTurbo: boolean) =>
    synchronize({
      database,
      sendCreatedAsUpdated: true,
      unsafeTurbo,
      pullChanges: async ({ lastPulledAt, schemaVersion, migration }) => {
        pulled ??= await ask({ lastPulledAt: lastPulledAt ?? null, schemaVersion, migration });
        return unsafeTurbo ? { syncJson: turboJson(pulled.result) } : (pulled.result as SyncPullResult);
      },
    });
  // A load that fails stores nothing. WatermelonDB for Windows has JSI, and no turbo mode.
  await (turbo ? apply(true).catch(() => apply(false)) : apply(false));
  return { ...pulled!, changes: pulled!.result.changes };
}

/** A part of a push that the server took, and that the database has marked as synced. */
export interface Taken {
  readonly entries: readonly Entry[];
  readonly result: PushResult;
}

const defaultLimits: PushLimits = { rows: 5000, units: 4_000_000 };
const learned = new WeakMap<SyncSource, PushLimits>(); // smaller limits: of servers, by their 413, and of slow lines
const leastUnits = 100_000; // a part that is not larger does not get smaller because it was late: the server hangs

/**
 * Pushes what was written here before the call, in parts. It marks the rows of each part as synced before it goes on, so
 * that an interrupted push goes on with the next part. A row that was edited meanwhile stays unsynced: its
 * edit follows the next pull, which knows the stamp of the part.
 * docs/protocol.md, U5 and U6.
 */
export async function push(database: Database, source: SyncSource, onBegin: (total: number) => void, onTaken: (taken: Taken) => void): Promise<void> {
  const { _resetCount } = database;
  const lastPulledAt = (await getLastPulledAt(database))!;
  const { changes, affectedRecords } = await fetchLocalChanges(database);
  const entries = inOrder(changes as Changes);
  if (entries.length === 0) return;
  onBegin(entries.length);
  const records = new Map(affectedRecords.map((record) => [`${record.table} ${record.id}`, record]));
  for (let from = 0; from < entries.length; ) {
    const limits = learned.get(source) ?? source.limits ?? defaultLimits;
    const part = cut(entries, from, limits);
    const partChanges = changesOf(part, Object.keys(changes));
    let result: PushResult | void;
    try {
      result = await source.push({ changes: partChanges, lastPulledAt });
    } catch (error) {
      if (isLate(error) && part.units > leastUnits) learned.set(source, { ...limits, units: Math.ceil(part.units / 2) }); // for the next attempt
      learned.set(source, halved(part, error));
      continue;
    }
    if (database._resetCount !== _resetCount) throw new Error("The database was reset during its sync");
    const affected = part.entries.flatMap(({ table, id }) => records.get(`${table} ${id}`) ?? []);
    await markLocalChangesAsSynced(database, { changes: partChanges, affectedRecords: affected });
    from += part.entries.length;
    onTaken({ entries: part.entries, result: result ?? { rejected: [] } });
  }
}
