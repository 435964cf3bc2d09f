// The rows as WatermelonDB's models. The decorators name columns of schema.ts.
import { Model } from "@nozbe/watermelondb";
import { date, field, readonly, text } from "@nozbe/watermelondb/decorators";

// WatermelonDB sets the times of a model that has both.
class Row extends Model {
  @readonly @date("created_at") createdAt!: Date;
  @readonly @date("updated_at") updatedAt!: Date;
}

export class Customer extends Row {
  static override table = "customers";
  @text("company_name") companyName!: string;
  @text("contact_name") contactName!: string | null;
}

// The app does not show products. It synchronizes them as the server has them.
export class Product extends Row {
  static override table = "products";
  @text("title") title!: string | null;
  @field("price") price!: number | null;
}
