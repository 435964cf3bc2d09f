// WatermelonDB's turbo mode for the first pull: native code loads the rows, and makes no model of any.
import type { Database } from "@nozbe/watermelondb";
import { getLastPulledAt } from "@nozbe/watermelondb/sync/impl/index.js";
import type { PullResult } from "./source.js";

/** What WatermelonDB has and its types do not. */
interface Internals {
  readonly adapter: { readonly underlyingAdapter: { readonly _dispatcherType?: string } };
  readonly _subscribers: readonly unknown[];
}

/**
 * Reports whether the next pull can be in turbo mode: it is the first one, SQLite runs with JSI, the database is
 * empty, and nothing observes it, because turbo mode tells no observer of its rows.
 */
export async function canTurbo(database: Database): Promise<boolean> {
  const { adapter, _subscribers } = database as unknown as Internals;
  if (adapter.underlyingAdapter._dispatcherType !== "jsi" || (await getLastPulledAt(database)) !== null) return false;
  const collections = Object.values(database.collections.map);
  const observed = [_subscribers, ...collections.map((collection) => (collection as unknown as Internals)._subscribers)];
  if (observed.some(({ length }) => length > 0)) return false;
  const rows = collections.map(async (collection) => (await collection.query().fetchCount()) + (await database.adapter.getDeletedRecords(collection.table)).length);
  return (await Promise.all(rows)).every((n) => n === 0);
}

/** Returns a first pull as the JSON that turbo mode loads. It must have no deleted rows, which mean nothing to an empty database. */
export const turboJson = ({ changes, timestamp }: PullResult): string =>
  JSON.stringify({ changes: Object.fromEntries(Object.entries(changes).map(([table, lists]) => [table, { ...lists, deleted: [] }])), timestamp });
