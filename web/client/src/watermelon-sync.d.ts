// The types of @nozbe/watermelondb/sync that the kit uses. TypeScript rejects WatermelonDB's own without skipLibCheck,
// so tsconfig.json puts this file in their place. No declaration of the package may name them.
import type { Database, DirtyRaw } from "@nozbe/watermelondb";

export interface SyncPullArgs {
  lastPulledAt?: number;
  schemaVersion: number;
  migration: { from: number; tables: string[]; columns: { table: string; columns: string[] }[] } | null;
}

export type SyncPullResult = { changes: object; timestamp: number } | { syncJson: string } | { syncJsonId: number };

export interface SyncPushArgs {
  changes: object;
  lastPulledAt: number;
}

export interface SyncPushResult {
  experimentalRejectedIds?: Record<string, string[]>;
}

export interface SyncArgs {
  database: Database;
  pullChanges(args: SyncPullArgs): Promise<SyncPullResult>;
  pushChanges?(args: SyncPushArgs): Promise<SyncPushResult | undefined | void>;
  migrationsEnabledAtVersion?: number;
  sendCreatedAsUpdated?: boolean;
  log?: { resolvedConflicts?: { local: DirtyRaw; remote: DirtyRaw; resolved: DirtyRaw }[]; remoteChangeCount?: number; localChangeCount?: number };
  conflictResolver?(table: string, local: DirtyRaw, remote: DirtyRaw, resolved: DirtyRaw): DirtyRaw;
  unsafeTurbo?: boolean;
  onDidPullChanges?(rest: object): Promise<void>;
  onWillApplyRemoteChanges?(info: { remoteChangeCount: number }): Promise<void>;
}

export function synchronize(args: SyncArgs): Promise<void>;
