// Made from tables.toml by
//   tidemark tables types
// Times are milliseconds. There is no transformer: set none, superjson is not supported.
import type { TRPCBuiltRouter, TRPCDefaultErrorShape, TRPCMutationProcedure, TRPCQueryProcedure } from "@trpc/server";

/** A row of species. Write: scope catalogue. */
export type SpeciesRow = {
  id: string;
  /** Mandatory in a new row. At least 1 UTF-16 units. At most 100 UTF-16 units. */
  name: string;
  /** Mandatory in a new row. Its pattern is "[A-Z][a-z]+ [a-z-]+". */
  latin: string;
  created_at: number;
  updated_at: number;
};

/** A row of places. Read: owner_id = sub or team_id in teams. Write: owner_id = sub or team_id in teams. */
export type PlacesRow = {
  id: string;
  /** Mandatory in a new row. At least 1 UTF-16 units. At most 64 UTF-16 units. */
  owner_id: string;
  /** At most 64 UTF-16 units. */
  team_id: string | null;
  /** Mandatory in a new row. At least 1 UTF-16 units. At most 100 UTF-16 units. */
  name: string;
  /** At least -90. At most 90. */
  latitude: number | null;
  /** At least -180. At most 180. */
  longitude: number | null;
  created_at: number;
  updated_at: number;
};

/** A row of visits. Read: owner_id = sub. Write: owner_id = sub. */
export type VisitsRow = {
  id: string;
  /** Mandatory in a new row. At least 1 UTF-16 units. At most 64 UTF-16 units. */
  owner_id: string;
  /** At most 128 UTF-16 units. */
  place_id: string;
  /** At most 128 UTF-16 units. */
  species_id: string | null;
  /** Mandatory in a new row. At least 1. At most 5. */
  rating: number;
  /** At most 2000 UTF-16 units. */
  note: string | null;
  /** Since schema version 2. Without it a new row has "unknown". One of "unknown", "sun", "cloud", "rain", "snow". */
  weather: string;
  created_at: number;
  updated_at: number;
};

/** The row of each table. */
export interface Rows {
  species: SpeciesRow;
  places: PlacesRow;
  visits: VisitsRow;
}

export type TableName = keyof Rows;

/** A row as a client pushes it. The columns that it lacks stay as they are. */
export type PushedRow<Row> = Partial<Row> & { id: string; updated_at: number; _status?: string; _changed?: string };

export interface PullInput {
  /** The timestamp of the last pull; null for the first. */
  lastPulledAt?: number | null;
  /** The app's schema version. The server leaves out newer tables and columns. */
  schemaVersion?: number;
  migration?: { from: number; tables: string[]; columns: { table: string; columns: string[] }[] } | null;
  /** The greatest number of rows in a page. */
  limit?: number;
  /** The cursor of the page before. */
  cursor?: string | null;
}

export interface PullOutput {
  /** created is always empty: set sendCreatedAsUpdated. */
  changes: { [Name in TableName]: { created: Rows[Name][]; updated: Rows[Name][]; deleted: string[] } };
  timestamp: number;
  experimentalStrategy?: "replacement";
  /** Present if there is another page. */
  cursor?: string;
}

export interface PushInput {
  /** WatermelonDB's type does not name the tables: write changes as PushInput["changes"]. */
  changes: { [Name in TableName]?: { created?: PushedRow<Rows[Name]>[]; updated?: PushedRow<Rows[Name]>[]; deleted?: string[] } };
  lastPulledAt: number | null;
  /** "abort" rejects a push as CONFLICT if one of its rows changed after lastPulledAt. With "lww", the default, the later edit wins. */
  conflict?: "abort" | "lww";
}

export interface PushOutput {
  timestamp: number;
  applied: { [Name in TableName]?: { created: number; updated: number; deleted: number } };
  /** The ids of the rows whose push lost; the next pull brings the winners. */
  superseded: { [Name in TableName]?: string[] };
  /** The pushed columns that the server does not know. */
  ignored: { [Name in TableName]?: string[] };
  /**
   * The rows and deletions that fail a check or a rule; the rest is applied. The next pull brings what the
   * server has of them. Without a column a rule is the reason.
   */
  rejected: { [Name in TableName]?: { id: string; column?: string; reason: string }[] };
}

/** error.data names the place of an invalid input, or with CONFLICT the newer rows. */
export type ErrorShape = TRPCDefaultErrorShape & {
  data: { table?: string; id?: string; column?: string; ids?: { [Name in TableName]?: string[] } };
};

export type AppRouter = TRPCBuiltRouter<
  { ctx: object; meta: object; errorShape: ErrorShape; transformer: false },
  {
    sync: {
      pull: TRPCQueryProcedure<{ input: PullInput | void; output: PullOutput; meta: object }>;
      push: TRPCMutationProcedure<{ input: PushInput; output: PushOutput; meta: object }>;
    };
  }
>;
