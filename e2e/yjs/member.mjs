// A member of a room: a bare socket and a document. It sends only what a test tells it to
// send, renews no presence, and keeps each frame that it gets.
import assert from "node:assert/strict";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { token } from "../doors.mjs";
import { until } from "../until.mjs";

// call sends a request to /yjs of a door.
export const call = (door, method, path, body) =>
  fetch(`${door.url}/yjs/${path}`, { method, body, headers: { authorization: `Bearer ${token("http")}` } });

// asker returns a function that calls a door, expects a status, and returns the body, as
// bytes and as text, and the ETag.
export function asker(door) {
  return async (status, method, path, body) => {
    const response = await call(door, method, path, body);
    const bytes = Buffer.from(await response.arrayBuffer());
    assert.equal(response.status, status, `${method} ${path}: ${bytes.subarray(0, 300)}`);
    return { bytes, get text() { return bytes.toString(); }, etag: response.headers.get("etag") };
  };
}

const frame = (kinds, body) =>
  encoding.encode((e) => (kinds.forEach((n) => encoding.writeVarUint(e, n)), encoding.writeVarUint8Array(e, body)));

const SYNC = 0, AWARENESS = 1, DENIED = 2;
const STEP1 = 0, STEP2 = 1, UPDATE = 2;

export class Member {
  constructor(url, room, { jwt = token("someone"), doc = new Y.Doc() } = {}) {
    this.doc = doc;
    this.clock = 0;
    this.heard = []; // {kind, body}; an awareness frame has {kind, entries}
    this.present = new Map(); // client -> state
    this.closed = null; // or {code, reason}
    const path = `/yjs/${encodeURIComponent(room)}?token=${jwt}`;
    this.ws = new WebSocket(url.replace("http", "ws") + path, { perMessageDeflate: false });
    this.ws.on("message", (data) => this.hear(decoding.createDecoder(new Uint8Array(data))));
    this.ws.on("close", (code, reason) => (this.closed = { code, reason: reason.toString() }));
    this.ws.on("error", () => {}); // the close follows
    doc.on("update", (update, origin) => origin !== this && this.send([SYNC, UPDATE], update));
  }

  send(kinds, body) {
    this.ws.send(frame(kinds, body));
  }

  hear(d) {
    switch (decoding.readVarUint(d)) {
      case SYNC: {
        const kind = ["step1", "step2", "update"][decoding.readVarUint(d)];
        const body = decoding.readVarUint8Array(d);
        if (kind !== "step1") Y.applyUpdate(this.doc, body, this);
        this.heard.push({ kind, body });
        return;
      }
      case AWARENESS: {
        const e = decoding.createDecoder(decoding.readVarUint8Array(d));
        const entries = Array.from({ length: decoding.readVarUint(e) }, () => {
          const client = decoding.readVarUint(e);
          decoding.readVarUint(e); // its clock
          return { client, state: JSON.parse(decoding.readVarString(e)) };
        });
        for (const { client, state } of entries) {
          if (state === null) this.present.delete(client);
          else this.present.set(client, state);
        }
        this.heard.push({ kind: "awareness", entries });
        return;
      }
      case DENIED:
        decoding.readVarUint(d);
        this.heard.push({ kind: "denied", body: decoding.readVarString(d) });
        return;
      default:
        this.heard.push({ kind: "other" });
    }
  }

  // next waits for a frame of a kind after the first n frames, with that body if given.
  async next(kind, n = 0, body) {
    const found = () => this.heard.slice(n).find((f) => f.kind === kind && (!body || Buffer.compare(f.body, body) === 0));
    await until(() => found() || this.closed, () => `${kind} among ${this.kinds(n)}`);
    return found() ?? assert.fail(`${kind}: closed with ${JSON.stringify(this.closed)}`);
  }

  kinds(n = 0) {
    return this.heard.slice(n).map((f) => f.kind).join();
  }

  // sync sends step 1 and waits for step 2, which comes after everything that the room
  // sent before.
  async sync() {
    const n = this.heard.length;
    this.send([SYNC, STEP1], Y.encodeStateVector(this.doc));
    await this.next("step2", n);
  }

  // edit changes the document and waits until the room has sent the change back. In a room
  // so crowded that it joins updates this would not return.
  async edit(change) {
    const n = this.heard.length;
    let sent;
    this.doc.once("update", (update) => (sent = update));
    this.doc.transact(() => change(this.doc));
    await this.next("update", n, sent);
  }

  announce(state) {
    const update = encoding.encode((e) => {
      for (const number of [1, this.doc.clientID, ++this.clock]) encoding.writeVarUint(e, number);
      encoding.writeVarString(e, JSON.stringify(state));
    });
    this.send([AWARENESS], update);
  }

  // users returns the names of those present, with this member's own.
  users() {
    return [...this.present.values()].map((state) => state.user).sort().join();
  }

  // die ends the member as a power cut does.
  die() {
    this.ws.terminate();
  }
}

// join opens a socket and reads the document.
export async function join(host, room, options) {
  const member = new Member(host.url, room, options);
  await until(() => member.ws.readyState === WebSocket.OPEN || member.closed, () => `open in ${room}`);
  await member.sync();
  return member;
}
