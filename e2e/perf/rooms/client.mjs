// A cheap client: it makes frames once, and only inspects received ones. It has the dialect
// of y-websocket, and that of Hocuspocus, which puts the document's name before each message
// and needs a token first.
// @hocuspocus/provider 4.7, OutgoingMessages/AuthenticationMessage.ts.
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { WebSocket } from "ws";
import * as Y from "yjs";

const encoded = (write) => Buffer.from(encoding.encode(write));
const message = (...kind) => (body) => encoded((e) => (kind.forEach((n) => encoding.writeVarUint(e, n)), encoding.writeVarUint8Array(e, body)));

export const step1 = message(0, 0)(new Uint8Array([0]));
export const update = message(0, 2);
export const awareness = message(1);

export const isStep2 = (data) => data[0] === 0 && data[1] === 1;
export const isUpdate = (data) => data[0] === 0 && data[1] === 2;
export const isAwareness = (data) => data[0] === 1;
export const isDenied = (data) => data[0] === 2 && data[1] === 0;
const isLetIn = (data) => data[0] === 2 && data[1] === 2;

export const yWebsocket = { answers: true, prefix: () => Buffer.alloc(0) };
export const hocuspocus = (token) => ({
  answers: true,
  prefix: (room) => encoded((e) => encoding.writeVarString(e, room)),
  hello: encoded((e) => (encoding.writeVarUint(e, 2), encoding.writeVarUint(e, 0), encoding.writeVarString(e, token), encoding.writeVarString(e, "4.7.0"))),
});

// A Socket of a room. heard is called with each message.
export class Socket {
  heard = () => {};
  lost = () => {};

  constructor(target, room) {
    const { dialect, url, path } = target;
    this.prefix = dialect.prefix(room);
    this.hello = dialect.hello;
    this.ws = new WebSocket(url.replace("http", "ws") + path(room), { maxPayload: 64 << 20 });
    const { length } = this.prefix;
    this.ws.on("message", (data) => this.heard(length > 0 ? data.subarray(length) : data));
    this.ws.on("close", (code, reason) => this.lost(new Error(`the socket was closed with ${code} ${reason}`)));
  }

  send(data) {
    this.ws.send(this.hello ? Buffer.concat([this.prefix, data]) : data);
  }

  // hear resolves when a message satisfies want, and rejects when the socket closes.
  hear(want) {
    return new Promise((resolve, reject) => {
      this.heard = (data) => want(data) && resolve();
      this.lost = reject;
      if (this.ws.readyState >= WebSocket.CLOSING) reject(new Error("the socket is closed"));
    });
  }

  close() {
    this.ws.terminate();
  }
}

// join opens a socket and waits for the document, as the providers do. It calls each with
// every message until then. A relay sends no response.
export async function join(target, room, each = () => {}) {
  const socket = new Socket(target, room);
  await new Promise((resolve, reject) => socket.ws.once("open", resolve).once("error", reject));
  if (socket.hello) {
    const letIn = socket.hear(isLetIn);
    socket.send(socket.hello);
    await letIn;
  }
  if (target.dialect.answers) {
    const synced = socket.hear((data) => (each(data), isStep2(data)));
    socket.send(step1);
    await synced;
  }
  return socket;
}

// load joins a room with a document that integrates the updates. It returns the document
// when it is synced.
export async function load(target, room) {
  const doc = new Y.Doc();
  const socket = await join(target, room, (data) => {
    if (!isUpdate(data) && !isStep2(data)) return;
    const d = decoding.createDecoder(data);
    d.pos = 2;
    Y.applyUpdate(doc, decoding.readVarUint8Array(d));
  });
  socket.close();
  return doc;
}
