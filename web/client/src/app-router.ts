// Made from tables.toml by
//   tidemark tables types
// Times are milliseconds. There is no transformer: set none, superjson is not supported.
import type { TRPCBuiltRouter, TRPCDefaultErrorShape, TRPCMutationProcedure, TRPCQueryProcedure } from "@trpc/server";

/** A row of customers. */
export type CustomersRow = {
  id: string;
  contact_name: string | null;
  company_name: string | null;
  notes: string | null;
  created_at: number;
  updated_at: number;
};

/** A row of products. */
export type ProductsRow = {
  id: string;
  title: string | null;
  description: string | null;
  price: number | null;
  discounts: number | null;
  image: string | null;
  created_at: number;
  updated_at: number;
};

/** The row of each table. */
export interface Rows {
  customers: CustomersRow;
  products: ProductsRow;
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
