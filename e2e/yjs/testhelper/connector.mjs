// yjs's own testHelper. Its clients use a room through real sockets, instead of its
// TestConnector.
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import * as prng from "lib0/prng";
import { messageYjsSyncStep2, readSyncMessage, writeSyncStep1, writeUpdate } from "y-protocols/sync";
import * as Y from "yjs";
import { TestConnector, TestYInstance } from "yjs/testHelper";

const SYNC = 0;
const settled = 50; // rounds, after which the helper's own comparison tells what differs

const state = (doc) => Buffer.from(Y.encodeSnapshot(Y.snapshot(doc))).toString("base64");

// through lets all later clients of testHelper use the wire. room returns the URL of a
// connector's room. through returns a function that disconnects all.
export function through(wire, room) {
  const clients = TestYInstance.prototype;
  const connector = TestConnector.prototype;
  const online = new Set();

  const send = (client, write) =>
    wire.send(client.link, encoding.encode((e) => (encoding.writeVarUint(e, SYNC), write(e))));

  function ask(client) {
    client.asked++;
    send(client, (e) => writeSyncStep1(e, client));
  }

  // read applies the oldest message, if there is one, and returns it.
  function read(client) {
    const message = client.link.inbox.shift();
    if (!message) return false;
    const decoder = decoding.createDecoder(message);
    if (decoding.readVarUint(decoder) !== SYNC) return true; // awareness
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, SYNC);
    if (readSyncMessage(decoder, encoder, client, client.tc) === messageYjsSyncStep2) client.answered++;
    if (encoding.length(encoder) > 1) wire.send(client.link, encoding.toUint8Array(encoder));
    return true;
  }

  clients.connect = function () {
    if (!this.link) {
      this.on("update", (update, origin) => {
        if (origin !== this.tc && this.tc.onlineConns.has(this)) send(this, (e) => writeUpdate(e, update));
      });
    }
    if (this.tc.onlineConns.has(this)) return;
    this.tc.onlineConns.add(this);
    online.add(this);
    this.link = wire.open(room(this.tc));
    this.asked = this.answered = 0;
    ask(this);
  };
  clients.disconnect = function () {
    if (this.tc.onlineConns.delete(this)) wire.cut(this.link);
    online.delete(this);
  };
  clients.destroy = function () {
    this.disconnect();
    Y.Doc.prototype.destroy.call(this);
  };
  clients._receive = () => {}; // what the helper says to the others, the room says

  connector.flushRandomMessage = function () {
    wire.pump();
    const waiting = [...this.onlineConns].filter(({ link }) => link.inbox.length > 0);
    return waiting.length > 0 && read(prng.oneOf(this.prng, waiting));
  };
  // All messages are flushed when all online clients have the same. Each sends step 1, and
  // the room has read everything sent before when it responds. No client sends another step
  // 1 before that: a room that still reads its document gives two of them one response.
  connector.flushAllMessages = function () {
    const all = [...this.onlineConns];
    const before = all.map(state);
    const hear = () =>
      wire.until(() => {
        for (const client of all) while (read(client));
        return all.every(({ asked, answered }) => answered >= asked);
      });
    hear();
    for (let round = 0; round < settled; round++) {
      all.forEach(ask);
      hear();
      if (new Set(all.map(state)).size <= 1) break;
    }
    return all.some((client, i) => state(client) !== before[i]);
  };
  return () => online.forEach((client) => client.disconnect());
}
