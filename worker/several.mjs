// A socket on which Hocuspocus' provider has several documents: docs/protocol.md, H1 to H8. Each document has
// a socket of its own to its room, which the guest opens as for any client. wasm/edge/several.go is
// the same on the wazero host.
import { encode } from "./frame.mjs";
import { closeSocket } from "./socket.mjs";

const MAX_LANES = 100;
const MAX_WAITING = 1 << 20; // bytes of messages that wait for their document, and of one before a room has let the socket in
const MAX_WAITING_COUNT = 1000;
const MAX_STRANGERS_WAITING = 16 << 20; // bytes of messages of all sockets that no room has let in
const MAX_DENIALS = 1000;
const PONG_EVERY_MS = 1000;
const LET_IN_WITHIN_MS = 30_000; // the first document
const MAX_ADDRESS = 1024; // bytes
const MAX_TOKEN = 8 << 10; // bytes: the guest takes no longer one
const CLOSE_BROKE = 4006; // to the room: the client's connection broke
const CLOSE_AGAIN = 4205; // every version of the provider connects again
const CLOSE_ENDED = 4401, CLOSE_OWNER_FULL = 4529;
const PASSING = new Set([1001, 1006, 1011, 1012, 1013]); // such codes pass
const AUTH = 2, CLOSE = 7, PING = 9, PONG = 10;
const TOKEN = 0, DENIED = 1, AUTHENTICATED = 2; // of AUTH
const TOKEN_TEXT = /^[!-~]*$/;
const TOO_MANY_STRANGERS = "too many messages of all clients wait for their first document; try again later";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }); // a BOM is part of a name

// all has the sockets of this isolate. A request that Cloudflare cancels ends its socket without an event: count notices
// when the Several is gone.
const all = new Set(); // WeakRefs of a Several
let strangersWaiting = 0; // bytes of messages that wait, of sockets that no room has let in

// count returns how many sockets of several documents are open in this isolate, and how many of them are strangers: no
// room has let them in yet.
export function count() {
  let open = 0, strangers = 0;
  strangersWaiting = 0;
  for (const ref of all) {
    const several = ref.deref();
    if (several === undefined || (several.ended && several.waiting === 0)) all.delete(ref);
    else {
      if (!several.ended) open++;
      if (!several.ended && !several.let) strangers++;
      if (!several.let) strangersWaiting += several.waiting;
    }
  }
  return { open, strangers };
}

// A Bytes reads what lib0 has written. It throws at the end of the bytes.
class Bytes {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
    this.padded = false; // the last number has a byte more than it needs
  }

  uint() {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      if (this.at === this.bytes.length || factor > 2 ** 28) throw new Error("no number");
      const byte = this.bytes[this.at++];
      value += (byte & 127) * factor;
      this.padded = byte === 0 && factor > 1;
      if (byte < 128) return value;
    }
  }

  text(most = Infinity) {
    const length = this.uint();
    if (length > most) throw new Error("too long");
    if (length > this.bytes.length - this.at) throw new Error("too short");
    return decoder.decode(this.bytes.subarray(this.at, (this.at += length)));
  }
}

// textMessage is a message of a number or two, and a text.
function textMessage(numbers, text) {
  const bytes = encode(text);
  const length = [];
  for (let n = bytes.length; ; n >>= 7) {
    length.push(n < 128 ? n : (n & 127) | 128);
    if (n < 128) break;
  }
  return joined(joined(new Uint8Array(numbers), new Uint8Array(length)), bytes);
}

function joined(a, b) {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function sendTo(socket, frame) {
  try {
    socket.send(frame);
  } catch {} // it is closing; its close event follows
}

export class Several {
  // socket is the server's end, and path that below which the documents are. join serves the
  // request that opens a document's own socket.
  constructor(socket, path, { request, ctx, trace }, join) {
    this.socket = socket;
    this.ctx = ctx;
    this.path = new URL(path, request.url);
    this.headers = { upgrade: "websocket", "sec-websocket-protocol": "hocuspocus" };
    for (const name of ["origin", "cf-connecting-ip", "user-agent"]) {
      const value = request.headers.get(name);
      if (value !== null) this.headers[name] = value;
    }
    trace.mark(this.headers);
    this.join = join;
    this.lanes = new Map(); // address, as bytes in a text -> Lane
    this.closed = new Set(); // the addresses that the server has closed, or let in never
    this.waiting = this.count = 0; // bytes and number of messages that wait for their document
    this.denials = 0; // of documents, and closes of documents
    this.ponged = -Infinity; // when
    this.opening = 0; // documents that are being opened, those that the client has left meanwhile, too
    this.let = this.ended = false; // let: a room has let it in once
    this.late = setTimeout(() => this.shut(4408, "no document was opened in time"), LET_IN_WITHIN_MS);
    all.add(new WeakRef(this));
    socket.binaryType = "arraybuffer"; // a Blob is read later, and in any order
    socket.addEventListener("message", ({ data }) => typeof data === "string" || this.receive(new Uint8Array(data)));
    socket.addEventListener("close", ({ code, reason }) => this.end(code === 1006 ? CLOSE_BROKE : code, reason));
    socket.addEventListener("error", () => this.end(CLOSE_BROKE, ""));
    socket.accept();
  }

  receive(frame) {
    if (this.ended) return;
    if (frame.length === 1 && frame[0] === PING) return this.pong();
    if (frame.length > MAX_WAITING && !this.let) return this.shut(1009, "a message too long before its document is open");
    const reader = new Bytes(frame);
    let text;
    try {
      text = reader.text(MAX_ADDRESS);
    } catch {}
    if (text === undefined || reader.padded || reader.at === frame.length) {
      return this.shut(4400, "malformed message: no address or no type");
    }
    this.handle(frame.subarray(0, reader.at), text, frame.subarray(reader.at));
  }

  // pong replies to a ping, unless the last reply was a moment ago.
  pong() {
    const now = Date.now();
    if (now - this.ponged < PONG_EVERY_MS) return;
    this.ponged = now;
    this.send(new Uint8Array([PONG]));
  }

  handle(address, text, message) {
    const asks = message[0] === AUTH && message[1] === TOKEN;
    let lane = this.lanes.get(text);
    if (lane === undefined) {
      if (this.closed.has(text) && !asks) return; // of a document that the server has closed
      if (this.lanes.size >= MAX_LANES) return this.deny(address, text, `one socket may have ${MAX_LANES} documents`);
      this.closed.delete(text);
      this.lanes.set(text, (lane = new Lane(this, address.slice(), text)));
    }
    if (asks) lane.ask(message);
    else if (message[0] === CLOSE) lane.leave(1000, "");
    else lane.deliver(message);
  }

  send(frame) {
    sendTo(this.socket, frame);
  }

  // letIn notes that a room has let the socket in.
  letIn() {
    if (this.let) return;
    this.let = true;
    strangersWaiting -= this.waiting;
    clearTimeout(this.late);
  }

  // wait counts a message that waits for its document, and returns why it may not wait, or null.
  wait({ length }) {
    if (this.count >= MAX_WAITING_COUNT || this.waiting + length > MAX_WAITING) return "too many messages before their document is open";
    if (!this.let) {
      if (strangersWaiting + length > MAX_STRANGERS_WAITING) count(); // some may have gone
      if (strangersWaiting + length > MAX_STRANGERS_WAITING) return TOO_MANY_STRANGERS;
      strangersWaiting += length;
    }
    this.waiting += length;
    this.count++;
    return null;
  }

  // forget stops counting a message that waited.
  forget({ length }) {
    this.waiting -= length;
    this.count--;
    if (!this.let) strangersWaiting -= length;
  }

  deny(address, text, reason) {
    this.dismiss(address, text, textMessage([AUTH, DENIED], reason));
  }

  // dismiss sends a message that ends a document for the client, and remembers it.
  dismiss(address, text, message) {
    if (++this.denials > MAX_DENIALS) return this.shut(4413, "the server has denied or closed too many documents on this socket");
    if (this.closed.size >= MAX_LANES) this.closed.clear();
    this.closed.add(text);
    this.send(joined(address, message));
  }

  // shut closes the socket. The messages that wait for their document are lost.
  shut(code, reason) {
    if (this.ended) return;
    for (const lane of this.lanes.values()) lane.drop();
    this.end(code, reason);
    closeSocket(this.socket, code, reason);
  }

  // end ends the documents.
  end(code, reason) {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.late);
    for (const lane of [...this.lanes.values()]) lane.leave(code, reason);
  }
}

// again says whether the client is to connect again: after what passes, and when the token of an open document
// has ended. A subject with too many sockets would get no other answer then.
function again(code, open) {
  if (code === CLOSE_ENDED || code === CLOSE_OWNER_FULL) return open;
  return PASSING.has(code) || code >= 4500;
}

// A Lane is one document of a Several. If the client leaves it, by "close" or with the socket, the room still gets the messages that came
// before that. The client hears nothing more of it, and may open its address again.
class Lane {
  constructor(several, address, text) {
    this.several = several;
    this.address = address;
    this.text = text;
    this.asked = this.closes = this.let = this.gone = false;
    this.socket = null; // to the room; null: not open
    this.queue = [];
  }

  ask(message) {
    if (this.asked) return;
    this.asked = true;
    const reader = new Bytes(message);
    reader.at = 2;
    let token = null;
    try {
      token = reader.text();
    } catch {}
    this.closes = reader.at < message.length; // from version 4 on
    const name = this.text.split("\0", 1)[0];
    if (this.several.opening >= MAX_LANES) this.closeFor(4413, `one socket may open ${MAX_LANES} documents at a time`);
    else if (token?.length > MAX_TOKEN) this.closeFor(CLOSE_ENDED, `a token has at most ${MAX_TOKEN} bytes`);
    else if (token === "") this.closeFor(CLOSE_ENDED, "a token is needed: set the provider's option `token`");
    else if (token === null || !TOKEN_TEXT.test(token)) this.closeFor(CLOSE_ENDED, "the token has characters that no token has");
    else if (name === "." || name === "..") this.closeFor(4404, "a room's name is not . or ..");
    else this.several.ctx.waitUntil(this.open(name, token)); // without this, workerd ends it with the client's socket
  }

  // open joins the room.
  async open(name, token) {
    const headers = { ...this.several.headers, authorization: `Bearer ${token}` };
    this.several.opening++;
    const { webSocket } = await this.several.join(new Request(this.several.path + encodeURIComponent(name), { headers }));
    this.several.opening--;
    if (!webSocket) return this.closeFor(1013, "the server did not open the document; try again");
    webSocket.binaryType = "arraybuffer";
    webSocket.addEventListener("message", ({ data }) => typeof data === "string" || this.receive(new Uint8Array(data)));
    webSocket.addEventListener("close", ({ code, reason }) => {
      closeSocket(webSocket, code, reason);
      this.closeFor(code, reason);
    });
    webSocket.addEventListener("error", () => this.closeFor(1006, ""));
    webSocket.accept();
    for (const message of this.drop()) sendTo(webSocket, message);
    if (this.gone) return closeSocket(webSocket, ...this.gone);
    this.socket = webSocket;
  }

  // drop takes the messages that wait.
  drop() {
    const queue = this.queue.splice(0);
    for (const message of queue) this.several.forget(message);
    return queue;
  }

  // deliver gives a message to the room, or keeps it until the document is open.
  deliver(message) {
    if (this.socket !== null) return sendTo(this.socket, message);
    const full = this.several.wait(message);
    if (full !== null) return this.several.shut(4413, full);
    this.queue.push(message);
  }

  // receive passes a message of the room on.
  receive(message) {
    if (message[0] === AUTH && message[1] === AUTHENTICATED) {
      this.let = true;
      this.several.letIn();
    }
    if (this.gone) return;
    if (message[0] === AUTH && message[1] === DENIED) return; // its close says the same
    this.several.send(joined(this.address, message));
  }

  // closeFor closes the document for the client, and the socket if the client is to try again.
  closeFor(code, reason) {
    this.drop();
    if (this.gone) return;
    const { several } = this;
    this.leave(code, reason);
    if (again(code, this.let)) return several.shut(CLOSE_AGAIN, reason);
    if (!this.let || !this.closes) return several.deny(this.address, this.text, reason);
    several.dismiss(this.address, this.text, textMessage([CLOSE], reason));
  }

  // leave takes the document from the socket. The room gets what waits for it, if it opens.
  leave(code, reason) {
    if (this.gone) return;
    this.gone = [code, reason];
    this.several.lanes.delete(this.text);
    if (!this.asked) this.drop();
    if (this.socket !== null) closeSocket(this.socket, code, reason);
  }
}
