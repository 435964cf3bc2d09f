import { IndexeddbPersistence, storeState } from "y-indexeddb";
import { WebsocketProvider } from "y-websocket";
import { Doc } from "yjs";
import { socketUrl, storageName, ticketSocket } from "../server.js";
import type { Tidemark } from "./TidemarkProvider.js";
import { markSaved, markUnsaved } from "./unsaved.js";

// How long after the last edit or connection the server has everything, if it has sent
// something since. The server sends an update back when it has stored it.
const restMillis = 2000;

/**
 * A y-websocket provider that also stores its document in IndexedDB, for reading and editing offline. connect()
 * reads the device's copy first. An editor must listen to the document before that.
 */
export class Room extends WebsocketProvider {
  #kept: Promise<unknown> | null = null;
  #wanted = false;
  #resting: ReturnType<typeof setTimeout> | undefined;
  #editedAt = 0;
  readonly #tidemark: Tidemark;
  /** Called when the server has everything. */
  onSaved: () => void = () => {};

  constructor(
    readonly id: string,
    tidemark: Tidemark,
  ) {
    const { server, onRefused } = tidemark;
    super(socketUrl(server, "/yjs"), encodeURIComponent(id), new Doc(), {
      connect: false,
      WebSocketPolyfill: ticketSocket(server),
      disableBc: true, // tabs meet on the server and in IndexedDB
    });
    this.#tidemark = tidemark;
    this.doc.on("update", (_update, origin) => {
      if (origin === this || origin instanceof IndexeddbPersistence) return;
      markUnsaved(tidemark, id);
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
    this.#kept ??= this.#read();
    void this.#kept.then(() => {
      if (this.#wanted) super.connect();
    });
  }

  override disconnect() {
    this.#wanted = false;
    super.disconnect();
  }

  async #read() {
    const { server, subject, storage } = this.#tidemark;
    const kept = await new IndexeddbPersistence(storageName(server, subject, "yjs", this.id), this.doc).whenSynced;
    const old = `${storage}-yjs-${this.id}`;
    if (storage === undefined || server.space || !(await indexedDB.databases()).some(({ name }) => name === old)) return;
    const moving = await new IndexeddbPersistence(old, this.doc).whenSynced;
    await storeState(kept);
    await moving.clearData();
  }

  #rest() {
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => {
      if (this.synced && !this.#heard) this.#rest();
      else this.#saved();
    }, restMillis);
  }

  // A connection can be dead for some time before the client notices.
  get #heard() {
    return this.wsLastMessageReceived >= this.#editedAt;
  }

  #saved() {
    if (!this.synced || !this.#heard) return;
    markSaved(this.#tidemark, this.id);
    this.onSaved();
  }

  // At the end of a connection the server told the others that we left. They take our
  // presence again only with a later clock.
  #present() {
    const state = this.awareness.getLocalState();
    if (state !== null) this.awareness.setLocalState(state);
  }

  // A device that comes online connects at once, and not at the next attempt.
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
