// The clients of both dialects behind one interface: y-websocket 2, the newest (3) and the release candidate
// of the next (4), and Hocuspocus' provider 2, 3 and 4. A room's text is its root "note".
import { WebSocket } from "ws";
import * as Y from "yjs";
import * as Y14 from "@y/y";
import { WebsocketProvider } from "y-websocket";
import { WebsocketProvider as WebsocketProvider2 } from "y-websocket-2";
import { WebsocketProvider as WebsocketProvider4 } from "@y/websocket";
import * as hocuspocus2 from "hocuspocus-provider-2";
import * as hocuspocus3 from "hocuspocus-provider-3";
import * as hocuspocus4 from "@hocuspocus/provider";
import { token } from "../doors.mjs";
import { until } from "../until.mjs";

// A QuietWebSocket throws no error of a connection that nobody listens for, as in a browser.
class QuietWebSocket extends WebSocket {
  constructor(url) {
    super(url);
    this.on("error", () => {});
  }
}

// A Peer has a document open. events has what happened to its connection: ["close", code, reason] when it ended,
// and ["closed", code, reason] when the client gives the document up. The code of "closed" is undefined if a
// Hocuspocus server denied the document.
class Peer {
  constructor(doc, text) {
    this.doc = doc;
    this.text = text;
    this.events = [];
  }

  get awareness() {
    return this.provider.awareness;
  }

  synced() {
    return until(() => this.provider.synced, () => `synced; events ${JSON.stringify(this.events)}`);
  }

  // happened waits until something has happened to the connection, and returns the event. closed waits until the
  // client gives the document up.
  async happened(isIt = () => true) {
    await until(() => this.events.some(isIt), () => `closed; events ${JSON.stringify(this.events)}`);
    return this.events.find(isIt);
  }

  closed() {
    return this.happened(([kind]) => kind === "closed");
  }

  insert(at, text) {
    this.text.insert(at, text);
  }

  // y-websocket 4 has marks of formats around the text.
  toString() {
    return this.text.toString().replace(/^<.*?>|<\/.*>$/g, "");
  }

  // present returns the users of the presence that the client sees, its own among them.
  present() {
    return [...this.awareness.getStates()].filter(([, s]) => s.user).map(([, s]) => s.user).sort();
  }

  // breakOff cuts the connection, and the client connects again by itself.
  breakOff() {
    this.ws.terminate();
  }
}

class YWebsocket extends Peer {
  static dialect = "y-websocket";

  constructor({ Provider, yjs, textOf }, host, room, { jwt = token("someone"), doc = new yjs.Doc(), at = "", connect = true } = {}) {
    super(doc, textOf(doc));
    this.provider = new Provider(`${host.url.replace("http", "ws")}${at}/yjs`, room, doc, {
      WebSocketPolyfill: WebSocket, disableBc: true, connect, params: { token: jwt },
    });
    this.provider.on("connection-close", (event) => this.events.push(["close", event?.code, event?.reason]));
    this.provider.on("closed", (event) => this.events.push(["closed", event.code, event.reason]));
    this.provider.on("connection-error", () => {});
  }

  get ws() {
    return this.provider.ws;
  }

  get connected() {
    return this.provider.wsconnected;
  }

  // onSynced calls f at the moment at which the client has the document.
  onSynced(f) {
    this.provider.on("sync", (synced) => synced && f());
  }

  // onDenied calls f when the server rejects an edit of the client.
  onDenied(f) {
    this.provider.messageHandlers[2] = f;
  }

  connect() {
    this.provider.connect();
  }

  async disconnect() {
    this.provider.disconnect();
    await until(() => !this.connected, "disconnected");
  }

  close() {
    this.provider.destroy();
    this.awareness.destroy();
  }

  // die ends the client as a power cut does.
  die() {
    this.provider.shouldConnect = false;
    this.ws?.terminate();
    this.awareness.destroy();
  }
}

// A Hocuspocus has a socket of its own, or one of connection that it shares with others.
export class Hocuspocus extends Peer {
  static dialect = "hocuspocus";

  // The other options are the provider's.
  constructor(kind, host, room, { jwt = token("someone"), doc = new Y.Doc(), at = "", connect = true, socket, ...options } = {}) {
    super(doc, doc.getText("note"));
    this.shared = socket !== undefined;
    this.socket = socket ?? connection(kind, host, { at, connect });
    this.statuses = []; // what unsyncedChanges became
    this.stateless = []; // the messages that others sent
    this.provider = new kind.Provider({
      websocketProvider: this.socket, name: room, document: doc, token: jwt, broadcast: false, ...options,
      onUnsyncedChanges: () => {},
      onStateless: ({ payload }) => this.stateless.push(payload),
      onAuthenticationFailed: ({ reason }) => this.events.push(["closed", undefined, reason]),
      onClose: ({ event: { code, reason } }) => this.events.push([this.socket.status === "connected" ? "closed" : "close", code, reason]),
    });
    this.provider.on("unsyncedChanges", () => this.statuses.push(this.provider.unsyncedChanges));
    this.provider.attach?.(); // version 2 does it by itself
  }

  get ws() {
    return this.socket.webSocket;
  }

  get connected() {
    return this.socket.status === "connected";
  }

  // saved says whether the server has stored all edits.
  get saved() {
    return this.provider.isAuthenticated && !this.provider.hasUnsyncedChanges;
  }

  onSynced(f) {
    this.provider.on("synced", () => this.provider.synced && f());
  }

  onDenied(f) {
    this.provider.on("message", ({ message }) => {
      message.readVarString(); // the document
      if (message.readVarUint() === 8 && message.readVarUint() === 0) f();
    });
  }

  connect() {
    this.socket.connect();
  }

  // again connects a client that has given the document up, as an app may.
  async again() {
    await this.disconnect();
    (this.provider.attach ? this.socket : this.provider).connect(); // version 2 has left its socket
  }

  async disconnect() {
    this.socket.disconnect();
    await until(() => this.socket.status === "disconnected", "disconnected");
  }

  close() {
    this.provider.destroy();
    if (!this.shared) disconnect(this.socket);
  }

  die() {
    this.socket.shouldConnect = false;
    this.ws?.terminate();
    disconnect(this.socket);
    this.awareness?.destroy();
  }
}

// connection returns a socket for several documents. A client tries again every second at least.
export const connection = ({ Socket }, host, { at = "", ...options } = {}) =>
  new Socket({
    url: `${host.url.replace("http", "ws")}${at}/hocuspocus`, WebSocketPolyfill: QuietWebSocket, maxDelay: 1000,
    autoConnect: options.connect ?? true, ...options,
  });

// disconnect ends a connection. Version 3 connects again a second after its server has closed it, even if it
// was destroyed meanwhile.
export function disconnect(socket) {
  socket.connect = async () => {};
  socket.destroy();
}

const textOf = (doc) => doc.getText("note");
const yWebsocket = (Provider, yjs = Y, text = textOf) => ({ Peer: YWebsocket, Provider, yjs, textOf: text });
const hocuspocus = ({ HocuspocusProvider: Provider, HocuspocusProviderWebsocket: Socket }) => ({ Peer: Hocuspocus, Provider, Socket, yjs: Y });

export const clients = {
  "y-websocket 2": yWebsocket(WebsocketProvider2),
  "y-websocket 3": yWebsocket(WebsocketProvider),
  "y-websocket 4": yWebsocket(WebsocketProvider4, Y14, (doc) => doc.get("note")),
  "hocuspocus 2": hocuspocus(hocuspocus2),
  "hocuspocus 3": hocuspocus(hocuspocus3),
  "hocuspocus 4": hocuspocus(hocuspocus4),
};

export const everyClient = Object.keys(clients);
// One client of each dialect, for what does not depend on its version.
export const eachDialect = ["y-websocket 3", "hocuspocus 4"];

// peer returns a client that connects to a room.
export const peer = (host, room, { client = "y-websocket 3", ...options } = {}) =>
  new clients[client].Peer(clients[client], host, room, options);

// join returns a client that has the document.
export async function join(host, room, options) {
  const joined = peer(host, room, options);
  await joined.synced();
  return joined;
}
