// Made from tables.toml by
//   tidemark tables types
import { appSchema, tableSchema } from "@nozbe/watermelondb";
import { addColumns, schemaMigrations } from "@nozbe/watermelondb/Schema/migrations";

/** The tables. Give the database the migrations, too. */
export const schema = appSchema({
  version: 2,
  tables: [
    // Write: scope catalogue.
    tableSchema({
      name: "species",
      columns: [
        // Mandatory in a new row. At least 1 UTF-16 units. At most 100 UTF-16 units.
        { name: "name", type: "string" },
        // Mandatory in a new row. Its pattern is "[A-Z][a-z]+ [a-z-]+".
        { name: "latin", type: "string" },
        { name: "created_at", type: "number" },
        { name: "updated_at", type: "number" },
      ],
    }),
    // Read: owner_id = sub or team_id in teams. Write: owner_id = sub or team_id in teams.
    tableSchema({
      name: "places",
      columns: [
        // Mandatory in a new row. At least 1 UTF-16 units. At most 64 UTF-16 units.
        { name: "owner_id", type: "string" },
        // At most 64 UTF-16 units.
        { name: "team_id", type: "string", isOptional: true },
        // Mandatory in a new row. At least 1 UTF-16 units. At most 100 UTF-16 units.
        { name: "name", type: "string" },
        // At least -90. At most 90.
        { name: "latitude", type: "number", isOptional: true },
        // At least -180. At most 180.
        { name: "longitude", type: "number", isOptional: true },
        { name: "created_at", type: "number" },
        { name: "updated_at", type: "number" },
      ],
    }),
    // Read: owner_id = sub. Write: owner_id = sub.
    tableSchema({
      name: "visits",
      columns: [
        // Mandatory in a new row. At least 1 UTF-16 units. At most 64 UTF-16 units.
        { name: "owner_id", type: "string" },
        // At most 128 UTF-16 units.
        { name: "place_id", type: "string" },
        // At most 128 UTF-16 units.
        { name: "species_id", type: "string", isOptional: true },
        // Mandatory in a new row. At least 1. At most 5.
        { name: "rating", type: "number" },
        // At most 2000 UTF-16 units.
        { name: "note", type: "string", isOptional: true },
        // Since schema version 2. Without it a new row has "unknown". One of "unknown", "sun", "cloud", "rain", "snow".
        { name: "weather", type: "string" },
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
          table: "visits",
          columns: [
            // Since schema version 2. Without it a new row has "unknown". One of "unknown", "sun", "cloud", "rain", "snow".
            { name: "weather", type: "string" },
          ],
        }),
      ],
    },
  ],
});
