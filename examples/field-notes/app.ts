// The app without its screens: a device's database, and what a person does with it.
import { Database, type DatabaseAdapter, type Model } from "@nozbe/watermelondb";
import { createClient, edit, structuredSource, type Rejection, type Server, type SyncSource } from "tidemark-client";
import type { Rows } from "./app-router";
import { Place, Species, Visit } from "./models";

/** The subject of a token. The server decides by the token itself whether it is valid. */
export const subjectOf = (token: string): string =>
  JSON.parse(atob(token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/"))).sub;

// What the app itself fills in: the author, the id and the times.
type Made = "id" | "owner_id" | "created_at" | "updated_at";
type NewPlace = Pick<Rows["places"], "name"> & Partial<Omit<Rows["places"], Made>>;
type NewVisit = Pick<Rows["visits"], "place_id" | "rating"> & Partial<Omit<Rows["visits"], Made>>;
type NewSpecies = Pick<Rows["species"], "name" | "latin">;

/** The field notes of one person on one device. */
export class FieldNotes {
  readonly database: Database;
  readonly source: SyncSource;

  /**
   * The adapter has the schema and the migrations of schema.ts. onRejected gets the rows that the server did not
   * take: the person must hear of them, because they change back.
   */
  constructor(readonly server: Server, readonly subject: string, adapter: DatabaseAdapter, onRejected: (rejections: readonly Rejection[]) => void) {
    this.database = new Database({ adapter, modelClasses: [Species, Place, Visit] });
    this.source = structuredSource(createClient(server), { onRejected });
  }

  addSpecies = (row: NewSpecies) => this.#create<Species>("species", row);

  /** With a team_id, the people of that team see and edit the place, too. */
  addPlace = (row: NewPlace) => this.#create<Place>("places", { ...row, owner_id: this.subject });

  /** Only its author ever sees a visit. Older apps do not know the weather, and the server fills it in. */
  addVisit = (row: NewVisit) => this.#create<Visit>("visits", { weather: "unknown", ...row, owner_id: this.subject });

  rename = (place: Place, name: string) => this.database.write(() => edit(place, (p) => { p.name = name; }));

  species = () => this.database.get<Species>("species").query().fetch();
  places = () => this.database.get<Place>("places").query().fetch();
  visits = () => this.database.get<Visit>("visits").query().fetch();

  #create<T extends Model>(table: keyof Rows, row: object): Promise<T> {
    return this.database.write(() =>
      this.database.get<T>(table).create((record) => {
        for (const [column, value] of Object.entries(row)) record._setRaw(column, value);
      }),
    );
  }
}
