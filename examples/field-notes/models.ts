// The rows as WatermelonDB's models. The decorators name columns of schema.ts.
import { Model } from "@nozbe/watermelondb";
import { date, field, readonly, text } from "@nozbe/watermelondb/decorators";

// WatermelonDB sets the times of a model that has both.
class Row extends Model {
  @readonly @date("created_at") createdAt!: Date;
  @readonly @date("updated_at") updatedAt!: Date;
}

export class Species extends Row {
  static override table = "species";
  @text("name") name!: string;
  @text("latin") latin!: string;
}

export class Place extends Row {
  static override table = "places";
  @field("owner_id") ownerId!: string;
  @field("team_id") teamId!: string | null;
  @text("name") name!: string;
  @field("latitude") latitude!: number | null;
  @field("longitude") longitude!: number | null;
}

export class Visit extends Row {
  static override table = "visits";
  @field("owner_id") ownerId!: string;
  @field("place_id") placeId!: string;
  @field("species_id") speciesId!: string | null;
  @field("rating") rating!: number;
  @text("note") note!: string | null;
  @field("weather") weather!: string;
}
