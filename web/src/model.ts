// The synchronized tables, as WatermelonDB declares them. shared/record declares them
// for the server.
import { appSchema, Model, tableSchema } from "@nozbe/watermelondb";
import { field, readonly, date, text } from "@nozbe/watermelondb/decorators";

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

export class Customer extends Model {
  static override table = "customers";
  @text("contact_name") contactName!: string | null;
  @text("company_name") companyName!: string | null;
  /** The plain text of the customer's note, for the search. The note itself is a Yjs room. */
  @field("notes") notes!: string | null;
  @readonly @date("created_at") createdAt!: Date;
}

export class Product extends Model {
  static override table = "products";
  @text("title") title!: string | null;
  /** The plain text of the description, for the search. The description itself is a Yjs room. */
  @field("description") description!: string | null;
  @field("price") price!: number | null;
  @field("discounts") discounts!: number | null;
  @text("image") image!: string | null;
  @readonly @date("created_at") createdAt!: Date;
}
