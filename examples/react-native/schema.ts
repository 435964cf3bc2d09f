// Made from tables.toml by
//   tidemark tables types
import { appSchema, tableSchema } from "@nozbe/watermelondb";
import { schemaMigrations } from "@nozbe/watermelondb/Schema/migrations";

/** The tables. Give the database the migrations, too. */
export const schema = appSchema({
  version: 1,
  tables: [
    tableSchema({
      name: "customers",
      columns: [
        { name: "contact_name", type: "string", isOptional: true },
        { name: "company_name", type: "string", isOptional: true },
        { name: "notes", type: "string", isOptional: true },
        { name: "created_at", type: "number" },
        { name: "updated_at", type: "number" },
      ],
    }),
    tableSchema({
      name: "products",
      columns: [
        { name: "title", type: "string", isOptional: true },
        { name: "description", type: "string", isOptional: true },
        { name: "price", type: "number", isOptional: true },
        { name: "discounts", type: "number", isOptional: true },
        { name: "image", type: "string", isOptional: true },
        { name: "created_at", type: "number" },
        { name: "updated_at", type: "number" },
      ],
    }),
  ],
});

/** One for each version of the schema after the first. */
export const migrations = schemaMigrations({
  migrations: [],
});
