// Made from tables.toml by
//   tidemark tables types
import { appSchema, tableSchema } from "@nozbe/watermelondb";
import { addColumns, createTable, schemaMigrations } from "@nozbe/watermelondb/Schema/migrations";

/** The tables. Give the database the migrations, too. */
export const schema = appSchema({
  version: 4,
  tables: [
    tableSchema({
      name: "order_lines",
      columns: [
        // Mandatory in a new row. At least 1 UTF-16 units. At most 200 UTF-16 units.
        { name: "title", type: "string" },
        // At least -1.5.
        { name: "weight", type: "number", isOptional: true },
        // Since schema version 2. Without it a new row has false.
        { name: "done", type: "boolean" },
        // Since schema version 4. Without it a new row has "lead". One of "lead", "*\/ active".
        { name: "status", type: "string" },
        { name: "created_at", type: "number" },
        { name: "updated_at", type: "number" },
      ],
    }),
    // Since schema version 2. Read: owner_id = sub or scope crm:admin. Write: owner_id = sub.
    tableSchema({
      name: "visits",
      columns: [
        // Since schema version 2. Mandatory in a new row. Its pattern is "\"?[a-z]+".
        { name: "owner_id", type: "string" },
        // Since schema version 4. Without it a new row has 1.
        { name: "rating", type: "number" },
        { name: "created_at", type: "number" },
        { name: "updated_at", type: "number" },
      ],
    }),
  ],
});

/** One for each version of the schema after the first. */
export const migrations = schemaMigrations({
  migrations: [
    {
      toVersion: 2,
      steps: [
        addColumns({
          table: "order_lines",
          columns: [
            // Since schema version 2. Without it a new row has false.
            { name: "done", type: "boolean" },
          ],
        }),
        createTable({
          name: "visits",
          columns: [
            // Since schema version 2. Mandatory in a new row. Its pattern is "\"?[a-z]+".
            { name: "owner_id", type: "string" },
            { name: "created_at", type: "number" },
            { name: "updated_at", type: "number" },
          ],
        }),
      ],
    },
    { toVersion: 3, steps: [] },
    {
      toVersion: 4,
      steps: [
        addColumns({
          table: "order_lines",
          columns: [
            // Since schema version 4. Without it a new row has "lead". One of "lead", "*\/ active".
            { name: "status", type: "string" },
          ],
        }),
        addColumns({
          table: "visits",
          columns: [
            // Since schema version 4. Without it a new row has 1.
            { name: "rating", type: "number" },
          ],
        }),
      ],
    },
  ],
});
