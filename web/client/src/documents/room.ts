import { WebsocketProvider } from "y-websocket";
import { Doc, encodeStateAsUpdate } from "yjs";
import { browserPlatform } from "../platform.js";
import { socketUrl, ticketSocket } from "../server.js";
import { indexedDbDocuments } from "./indexeddb.js";
import { Keeper } from "./keeper.js";
import { unsavedChanged } from "./listeners.js";
import { closed, opened, type OpenRoom } from "./open-rooms.js";
import { ownerOf, placeOf, type RoomOptions } from "./options.js";
import { syncMessage, Unacknowledged } from "./unacknowledged.js";

// How long after the last edit or connection the room looks whether everything is saved.
const restMillis = 2000;

/**
 * A y-websocket provider that also stores its document on the device, for reading and editing offline. connect()
 * reads the device's copy first. An editor must listen to the document before that.
 */
export class Room extends WebsocketProvider implements OpenRoom {
  readonly owner: string;
  readonly #keeper: Keeper;
  readonly #unacknowledged = new Unacknowledged();
  readonly #unwatch: (() => void) | undefined;
  #wanted = false;
  #resting: ReturnType<typeof setTimeout> | undefined;
  #told = false; // of unsaved edits
  /** Called when the device has stored everything and the server has it, too. */
  onSaved: () => void = () => {};

  constructor(
    readonly id: string,
    options: RoomOptions,
  ) {
    const { server, documents = indexedDbDocuments, platform = browserPlatform, onRefused, onError } = options;
    super(socketUrl(server, "/yjs"), encodeURIComponent(id), new Doc(), {
      connect: false,
      WebSocketPolyfill: ticketSocket(server),
      disableBc: true, // tabs meet on the server and on the disk
    });
    this.owner = ownerOf(options);
    this.#keeper = new Keeper(this.doc, documents.open(placeOf(options, id)), (origin) => origin === this, {
      onEdit: (transaction) => {
        this.#unacknowledged.add(transaction);
        this.#rest();
      },
      onChange: () => this.#tell(),
      onError: (error) => onError?.(error, id),
    });
    this.#listen();
    this.on("sync", () => this.#rest());
    this.on("closed", ({ code, reason }) => {
      if (!server.signal?.aborted) onRefused?.(code, reason);
    });
    this.on("status", ({ status }) => {
      if (status === "connected") this.#present();
    });
    // A device that comes online connects at once, and not at the next attempt.
    this.#unwatch = platform.onConnection?.((online) => {
      if (!online) super.disconnect();
      else if (this.#wanted) super.connect();
    });
    opened(this);
  }

  get unsaved(): boolean {
    return this.#keeper.unsaved;
  }

  /** Whether the device has stored the document as it is. */
  get stored(): boolean {
    return this.#keeper.stored;
  }

  /** The size of the document as one update. */
  get bytes(): number {
    return encodeStateAsUpdate(this.doc).length;
  }

  /** Why the device could not read or store the document at the last attempt; null if it could. */
  get storageError(): Error | null {
    return this.#keeper.error;
  }

  override connect() {
    this.#wanted = true;
    void this.#keeper.load().then(() => {
      if (this.#wanted) super.connect();
    });
  }

  override disconnect() {
    this.#wanted = false;
    super.disconnect();
  }

  // listen hears what the server has, from the messages of y-protocols/sync.
  #listen() {
    const [sync] = this.messageHandlers;
    this.messageHandlers[0] = (encoder, decoder, ...rest) => {
      const message = syncMessage(decoder.arr);
      sync!(encoder, decoder, ...rest);
      if (message !== null) this.#unacknowledged.hear(message.kind, message.payload);
    };
  }

  #rest() {
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => {
      if (this.#isSaved()) void this.#saved();
      else if (this.synced) this.#rest();
    }, restMillis);
  }

  #isSaved(): boolean {
    return this.synced && this.#keeper.stored && this.#unacknowledged.empty;
  }

  async #saved() {
    if (await this.#keeper.saved()) this.onSaved();
    else this.#rest();
  }

  // tell tells of the room's mark when it comes and goes, and not of each edit.
  #tell() {
    const { unsaved, stored, error } = this.#keeper;
    const marked = unsaved && (this.#told || stored || error !== null);
    if (marked === this.#told) return;
    this.#told = marked;
    unsavedChanged();
  }

  // At the end of a connection the server told the others that we left. They take our
  // presence again only with a later clock.
  #present() {
    const state = this.awareness.getLocalState();
    if (state !== null) this.awareness.setLocalState(state);
  }

  override async destroy() {
    clearTimeout(this.#resting);
    if (this.#isSaved()) void this.#keeper.saved();
    this.#unwatch?.();
    this.#wanted = false;
    super.destroy();
    closed(this);
    await this.#keeper.close();
    this.doc.destroy();
    unsavedChanged();
  }
}
