// A server of documents, as the room of docs/protocol.md: tickets, and sockets that speak y-protocols. It is the WebSocket and
// the fetch of a test. `hold()` keeps back what the server sends, and `cut()` ends every connection without a word.
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import * as Y from "yjs";

export class RoomServer {
  docs = new Map();
  sockets = new Set();
  online = true;
  deaf = false; // it receives nothing, and nobody notices
  #held = null;

  /** Takes the place of the network. */
  install() {
    const server = this;
    globalThis.fetch = async () => {
      if (!server.online) throw new TypeError("fetch failed");
      return new Response(JSON.stringify({ ticket: "t" }));
    };
    globalThis.WebSocket = class extends RoomSocket {
      constructor(url) {
        super(server, url);
      }
    };
    return this;
  }

  doc(room) {
    if (!this.docs.has(room)) this.docs.set(room, new Y.Doc());
    return this.docs.get(room);
  }

  text = (room) => this.doc(room).getText("t").toString();

  hold() {
    this.#held ??= [];
  }

  release() {
    const held = this.#held ?? [];
    this.#held = null;
    for (const send of held) send();
  }

  send(socket, ...parts) {
    const bytes = message(...parts);
    const send = () => socket.readyState === 1 && socket.onmessage?.({ data: bytes.buffer });
    if (this.#held !== null) this.#held.push(send);
    else queueMicrotask(send);
  }

  cut() {
    this.#held = null;
    for (const socket of [...this.sockets]) socket.end(1006);
  }

  receive(socket, bytes) {
    if (this.deaf) return;
    const decoder = decoding.createDecoder(bytes);
    const doc = this.doc(socket.room);
    if (decoding.readVarUint(decoder) !== 0) return this.#toAll(socket.room, bytes);
    const kind = decoding.readVarUint(decoder);
    const payload = decoding.readVarUint8Array(decoder);
    if (kind === 0) {
      this.send(socket, 0, 0, Y.encodeStateVector(doc));
      this.send(socket, 0, 1, Y.encodeStateAsUpdate(doc, payload));
      return;
    }
    const news = [];
    const heard = (update) => news.push(update);
    doc.on("update", heard);
    Y.applyUpdate(doc, payload);
    doc.off("update", heard);
    if (news.length > 0) for (const peer of this.#peers(socket.room)) this.send(peer, 0, 2, Y.mergeUpdates(news));
    else if (kind === 2) this.send(socket, 0, 2, payload);
  }

  #peers = (room) => [...this.sockets].filter((peer) => peer.room === room);

  /** What an awareness message does. */
  #toAll(room, bytes) {
    for (const peer of this.#peers(room)) this.send(peer, bytes);
  }
}

function message(...parts) {
  const encoder = encoding.createEncoder();
  for (const part of parts) {
    if (typeof part === "number") encoding.writeVarUint(encoder, part);
    else if (parts.length === 1) encoding.writeUint8Array(encoder, part);
    else encoding.writeVarUint8Array(encoder, part);
  }
  return encoding.toUint8Array(encoder).slice();
}

class RoomSocket {
  readyState = 0;
  binaryType = "blob";

  constructor(server, url) {
    this.server = server;
    this.room = decodeURIComponent(new URL(url).pathname.replace("/yjs/", ""));
    queueMicrotask(() => {
      if (!server.online) return this.end(1006);
      this.readyState = 1;
      server.sockets.add(this);
      this.onopen?.({});
    });
  }

  send(bytes) {
    queueMicrotask(() => this.readyState === 1 && this.server.receive(this, new Uint8Array(bytes)));
  }

  close() {
    this.end(1005);
  }

  end(code) {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.server.sockets.delete(this);
    queueMicrotask(() => this.onclose?.({ code, reason: "" }));
  }
}
