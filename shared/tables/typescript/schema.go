package typescript

import (
	"bytes"
	"fmt"
	"strings"

	"tidemark/shared/record"
)

// Schema returns the text of schema.ts for a schema: what WatermelonDB needs to know of the
// tables, and how an older database on a device becomes one of these tables.
func Schema(schema *record.Schema) []byte {
	steps, uses := migrations(schema)
	var b bytes.Buffer
	b.WriteString(made + `import { appSchema, tableSchema } from "@nozbe/watermelondb";
import { ` + uses + ` } from "@nozbe/watermelondb/Schema/migrations";

/** The tables. Give the database the migrations, too. */
`)
	fmt.Fprintf(&b, "export const schema = appSchema({\n  version: %d,\n  tables: [\n", schema.Version)
	for i := range schema.Tables {
		t := &schema.Tables[i]
		if said := about(t); said != "" {
			fmt.Fprintf(&b, "    //%s\n", said)
		}
		b.WriteString("    tableSchema({\n" + table(t, schema.Version, "      ") + "    }),\n")
	}
	b.WriteString("  ],\n});\n\n" + steps)
	return b.Bytes()
}

// migrations returns the text of the migrations, and the functions that it calls.
func migrations(schema *record.Schema) (text, uses string) {
	var b strings.Builder
	b.WriteString("/** One for each version of the schema after the first. */\nexport const migrations = schemaMigrations({\n")
	if schema.Version < 2 {
		return b.String() + "  migrations: [],\n});\n", "schemaMigrations"
	}
	b.WriteString("  migrations: [\n")
	added, created := false, false
	for v := record.Version(2); v <= schema.Version; v++ {
		var steps strings.Builder
		for i := range schema.Tables {
			t := &schema.Tables[i]
			if t.Since == v {
				created = true
				steps.WriteString("        createTable({\n" + table(t, v, "          ") + "        }),\n")
			} else if list := columns(t, "            ", func(c *record.Column) bool { return t.Since < v && c.Since == v }); list != "" {
				added = true
				fmt.Fprintf(&steps, "        addColumns({\n          table: %q,\n          columns: [\n%s          ],\n        }),\n", t.Name, list)
			}
		}
		if steps.Len() == 0 {
			fmt.Fprintf(&b, "    { toVersion: %d, steps: [] },\n", v)
		} else {
			fmt.Fprintf(&b, "    {\n      toVersion: %d,\n      steps: [\n%s      ],\n    },\n", v, steps.String())
		}
	}
	if added {
		uses += "addColumns, "
	}
	if created {
		uses += "createTable, "
	}
	return b.String() + "  ],\n});\n", uses + "schemaMigrations"
}

// table returns the members of a table as an app of that version has it, indented.
func table(t *record.Table, v record.Version, indent string) string {
	list := columns(t, indent+"  ", func(c *record.Column) bool { return c.Since <= v })
	for _, name := range []string{record.CreatedAt, record.UpdatedAt} {
		list += fmt.Sprintf("%s  { name: %q, type: \"number\" },\n", indent, name)
	}
	return fmt.Sprintf("%sname: %q,\n%[1]scolumns: [\n%[3]s%[1]s],\n", indent, t.Name, list)
}

// columns returns some columns, each on a line.
func columns(t *record.Table, indent string, with func(*record.Column) bool) string {
	var b strings.Builder
	for i := range t.Columns {
		c := &t.Columns[i]
		if !with(c) {
			continue
		}
		if said := says(t, c); said != "" {
			fmt.Fprintf(&b, "%s// %s\n", indent, said)
		}
		optional := ""
		if c.Nullable {
			optional = ", isOptional: true"
		}
		fmt.Fprintf(&b, "%s{ name: %q, type: %q%s },\n", indent, c.Name, c.Type.String(), optional)
	}
	return b.String()
}
