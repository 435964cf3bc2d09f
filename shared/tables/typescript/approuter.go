// Package typescript writes what apps need of the declared tables: the type of the server's
// tRPC router, and the schema and the migrations of WatermelonDB. With the router's type,
// createTRPCClient<AppRouter> checks an app against these tables, without a TypeScript server.
package typescript

import (
	"bytes"
	"fmt"
	"strings"

	"tidemark/shared/record"
)

// made begins each file.
const made = `// Made from tables.toml by
//   tidemark tables types
`

// AppRouter returns the text of app-router.ts for a schema.
func AppRouter(schema *record.Schema) []byte {
	var b bytes.Buffer
	b.WriteString(made + head)
	// A type, not an interface: TypeScript assigns only a type to WatermelonDB's DirtyRaw.
	for i := range schema.Tables {
		t := &schema.Tables[i]
		fmt.Fprintf(&b, "\n/** A row of %s.%s */\nexport type %s = {\n  id: string;\n", t.Name, about(t), typeName(t.Name))
		for i := range t.Columns {
			c := &t.Columns[i]
			if said := says(t, c); said != "" {
				fmt.Fprintf(&b, "  /** %s */\n", said)
			}
			fmt.Fprintf(&b, "  %s: %s;\n", c.Name, columnType(c))
		}
		fmt.Fprintf(&b, "  %s: number;\n  %s: number;\n};\n", record.CreatedAt, record.UpdatedAt)
	}
	b.WriteString("\n/** The row of each table. */\nexport interface Rows {\n")
	for i := range schema.Tables {
		fmt.Fprintf(&b, "  %s: %s;\n", schema.Tables[i].Name, typeName(schema.Tables[i].Name))
	}
	b.WriteString("}\n" + tail)
	return b.Bytes()
}

// typeName returns OrderLinesRow for order_lines.
func typeName(table string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(table, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String() + "Row"
}

func columnType(c *record.Column) string {
	if c.Nullable {
		return c.Type.String() + " | null"
	}
	return c.Type.String()
}

const head = `// Times are milliseconds. There is no transformer: set none, superjson is not supported.
import type { TRPCBuiltRouter, TRPCDefaultErrorShape, TRPCMutationProcedure, TRPCQueryProcedure } from "@trpc/server";
`

const tail = `
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
`
