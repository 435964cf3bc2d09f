import { IndexeddbPersistence } from "y-indexeddb";
import { WebsocketProvider } from "y-websocket";
import { Doc } from "yjs";
import { socketUrl, ticketSocket } from "../server.js";
import type { Tidemark } from "./TidemarkProvider.js";
import { markSaved, markUnsaved } from "./unsaved.js";

// How long after the last edit or the start of a connection the server has
// everything, if it has said anything since: an update comes back when it is saved.
const restMillis = 2000;

/**
 * A y-websocket provider whose document is also kept in IndexedDB, so that it
 * can be read and edited offline. What is on the device is read first, and
 * only at connect(): whoever shows the document must be listening by then.
 */
export class Room extends WebsocketProvider {
  #kept: Promise<unknown> | null = null;
  #wanted = false;
  #resting: ReturnType<typeof setTimeout> | undefined;
  #editedAt = 0;
  readonly #storage: string;
  /** Told when the server has everything. */
  onSaved: () => void = () => {};

  constructor(
    readonly id: string,
    { server, storage, onRefused }: Tidemark,
  ) {
    super(socketUrl(server, "/yjs"), encodeURIComponent(id), new Doc(), {
      connect: false,
      WebSocketPolyfill: ticketSocket(server),
      disableBc: true, // tabs meet on the server and in IndexedDB
    });
    this.#storage = storage;
    this.doc.on("update", (_update, origin) => {
      if (origin === this || origin instanceof IndexeddbPersistence) return;
      markUnsaved(storage, id);
      this.#editedAt = Date.now();
      this.#rest();
    });
    this.on("sync", () => this.#rest());
    this.on("closed", ({ code, reason }) => onRefused?.(code, reason));
    this.on("status", ({ status }) => {
      if (status === "connected") this.#present();
    });
    globalThis.addEventListener?.("online", this.#online);
    globalThis.addEventListener?.("offline", this.#offline);
  }

  override connect() {
    this.#wanted = true;
    this.#kept ??= new IndexeddbPersistence(`${this.#storage}-yjs-${this.id}`, this.doc).whenSynced;
    void this.#kept.then(() => {
      if (this.#wanted) super.connect();
    });
  }

  override disconnect() {
    this.#wanted = false;
    super.disconnect();
  }

  #rest() {
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => {
      if (this.synced && !this.#heard) this.#rest();
      else this.#saved();
    }, restMillis);
  }

  // A connection may be dead for a while before that shows.
  get #heard() {
    return this.wsLastMessageReceived >= this.#editedAt;
  }

  #saved() {
    if (!this.synced || !this.#heard) return;
    markSaved(this.#storage, this.id);
    this.onSaved();
  }

  // When a connection ended, the others were told that we left; our presence is
  // news to them only with a later clock than it had then.
  #present() {
    const state = this.awareness.getLocalState();
    if (state !== null) this.awareness.setLocalState(state);
  }

  // A device that comes online does not wait for the next attempt.
  #online = () => {
    if (this.#wanted) super.connect();
  };

  #offline = () => super.disconnect();

  override destroy() {
    clearTimeout(this.#resting);
    this.#saved();
    globalThis.removeEventListener?.("online", this.#online);
    globalThis.removeEventListener?.("offline", this.#offline);
    super.destroy();
    this.doc.destroy(); // and with it the persistence
  }
}
