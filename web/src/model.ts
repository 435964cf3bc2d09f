// The rows of the synchronized tables. The tables themselves are in schema.ts, which is made
// from tables.toml.
import { Model } from "@nozbe/watermelondb";
import date from "@nozbe/watermelondb/decorators/date";
import field from "@nozbe/watermelondb/decorators/field";
import readonly from "@nozbe/watermelondb/decorators/readonly";
import text from "@nozbe/watermelondb/decorators/text";

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
