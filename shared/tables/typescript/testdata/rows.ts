// Made from tables.toml by
//   tidemark tables types
// Times are milliseconds. There is no transformer: set none, superjson is not supported.
import type { TRPCBuiltRouter, TRPCDefaultErrorShape, TRPCMutationProcedure, TRPCQueryProcedure } from "@trpc/server";

/** A row of order_lines. */
export type OrderLinesRow = {
  id: string;
  /** Mandatory in a new row. At least 1 UTF-16 units. At most 200 UTF-16 units. */
  title: string;
  /** At least -1.5. */
  weight: number | null;
  /** Since schema version 2. Without it a new row has false. */
  done: boolean;
  /** Since schema version 4. Without it a new row has "lead". One of "lead", "*\/ active". */
  status: string;
  created_at: number;
  updated_at: number;
};

/** A row of visits. Since schema version 2. Read: owner_id = sub or scope crm:admin. Write: owner_id = sub. */
export type VisitsRow = {
  id: string;
  /** Since schema version 2. Mandatory in a new row. Its pattern is "\"?[a-z]+". */
  owner_id: string;
  /** Since schema version 4. Without it a new row has 1. */
  rating: number;
  created_at: number;
  updated_at: number;
};

/** The row of each table. */
export interface Rows {
  order_lines: OrderLinesRow;
  visits: VisitsRow;
}
