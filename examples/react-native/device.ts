// The app without its screens: what one person has on one device, and does with it.
import { Database, Q, type DatabaseAdapter } from "@nozbe/watermelondb";
import { createClient, edit, structuredSource, syncTriggers, type Platform, type Rejection, type Server, type SyncSource } from "tidemark-client";
import { readUnsavedRooms, Room, saveRooms, type DocumentStorage } from "tidemark-client/documents";
import { unsyncedWork, type UnsyncedWork } from "tidemark-client/session";
import { Customer, Product } from "./models";

/** What the device gives: phone.ts has it on a phone. */
export interface Phone {
  /** A WatermelonDB adapter with the schema and the migrations of schema.ts. */
  adapter: DatabaseAdapter;
  documents: DocumentStorage;
  platform: Platform;
}

/** What the person must hear. */
export interface Notices {
  /** The server did not take these rows. They change back. */
  onRejected(rejections: readonly Rejection[]): void;
  /** The phone did not store an edit of the notebook. It tries again. */
  onStorageError(error: Error): void;
}

export class Device {
  readonly database: Database;
  readonly source: SyncSource;

  constructor(readonly server: Server, readonly subject: string, readonly phone: Phone, readonly notices: Notices) {
    const { onRejected } = notices;
    this.database = new Database({ adapter: phone.adapter, modelClasses: [Customer, Product] });
    this.source = structuredSource(createClient(server), { onRejected });
  }

  /** Keeps everything in sync, and returns a function that stops. */
  start(): () => void {
    const { server, phone: { platform } } = this;
    const save = () => void saveRooms(this.#rooms).catch(() => {}); // it tries again by itself
    save();
    const unwatch = platform.onConnection?.((online) => online && save());
    const stop = syncTriggers(this.database, this.source, { server, platform });
    return () => {
      unwatch?.();
      stop();
    };
  }

  /** The customers by name. `observeWithColumns(["company_name"])` shows them as they change. */
  customers = () => this.database.get<Customer>("customers").query(Q.sortBy("company_name"));

  add = (companyName: string) =>
    this.database.write(() => this.database.get<Customer>("customers").create((customer) => { customer.companyName = companyName; }));

  rename = (customer: Customer, companyName: string) =>
    this.database.write(() => edit(customer, (c) => { c.companyName = companyName; }));

  remove = (customer: Customer) => this.database.write(() => customer.markAsDeleted());

  /** Returns what the server does not have yet. It stays on the device after the sign-out. */
  async unsynced(): Promise<UnsyncedWork> {
    const rooms = await readUnsavedRooms(this.#rooms);
    return unsyncedWork([this.database], rooms.map((id) => ({ space: this.server.space ?? "", id })));
  }

  /** Opens the notebook, one text that all people write. It is on the device, too, and can be written offline. */
  openNotebook(): Room {
    const room = new Room("notebook", this.#rooms);
    room.connect();
    return room;
  }

  get #rooms() {
    const { server, subject, phone: { documents, platform }, notices: { onStorageError } } = this;
    return { server, subject, documents, platform, onError: onStorageError };
  }
}
