// What a siege does to Yjs rooms, over sockets and over HTTP: the largest that is
// legal, in rooms of all sizes.
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { token } from "../doors.mjs";

const MESSAGE = { sync: 0, awareness: 1, auth: 2 };
const SYNC = { step1: 0, step2: 1, update: 2 };

const LIMIT_DOCUMENT_BYTES = 16 << 20;
const LIMIT_PRESENCE_STATE_BYTES = 256 << 10;

// How a room may end a socket: the document was deleted, the room has no memory or
// moved, the socket sent too much.
const legalCloses = [4404, 4413, 4500, 4529, 1013];

const binary = { type: "application/octet-stream" };

let client = 1_000_000;

// value is an update of one value of so many bytes, by a client of its own.
function value(bytes) {
  const doc = new Y.Doc();
  doc.clientID = ++client;
  doc.getMap("map").set(`key ${client}`, "v".repeat(bytes));
  return { id: client, update: Y.encodeStateAsUpdate(doc) };
}

const sync = (kind, bytes) => {
  const e = encoding.createEncoder();
  encoding.writeVarUint(e, MESSAGE.sync);
  encoding.writeVarUint(e, kind);
  encoding.writeVarUint8Array(e, bytes);
  return encoding.toUint8Array(e);
};

const presence = (id, state) => {
  const entry = encoding.createEncoder();
  for (const n of [1, id, 1]) encoding.writeVarUint(entry, n);
  encoding.writeVarString(entry, JSON.stringify(state));
  const e = encoding.createEncoder();
  encoding.writeVarUint(e, MESSAGE.awareness);
  encoding.writeVarUint8Array(e, encoding.toUint8Array(entry));
  return encoding.toUint8Array(e);
};

// A Socket counts what comes: heard(what) waits for the next "step2", "update" of a
// client, or "refusal". It throws a Closed if the room ends it.
class Closed extends Error {}

class Socket {
  constructor(host, room, sub) {
    this.ws = new WebSocket(`${host.url.replace("http", "ws")}/yjs/${room}?token=${token(sub)}`, { maxPayload: 0 });
    this.ws.binaryType = "arraybuffer";
    this.waiting = [];
    this.ended = new Promise((_, reject) => {
      this.ws.on("unexpected-response", (_, response) => reject(new Closed(`upgrade: ${response.statusCode}`)));
      this.ws.on("error", (error) => reject(error));
      this.ws.on("close", (code, reason) => reject(legalCloses.includes(code) || this.left ? new Closed(`${code}`) : new Error(`a socket of ${room} was closed: ${code} ${reason}`)));
    });
    this.ended.catch(() => {});
    this.ws.on("message", (data) => this.take(new Uint8Array(data)));
    this.open = new Promise((resolve) => this.ws.on("open", resolve));
  }

  take(frame) {
    const d = decoding.createDecoder(frame);
    const what = decoding.readVarUint(d);
    if (what === MESSAGE.auth) return this.tell("refusal");
    if (what !== MESSAGE.sync) return;
    const kind = decoding.readVarUint(d);
    if (kind === SYNC.step2) this.tell("step2");
    if (kind === SYNC.update) for (const id of Y.parseUpdateMeta(decoding.readVarUint8Array(d)).to.keys()) this.tell(id);
  }

  tell(what) {
    this.waiting = this.waiting.filter(([wanted, resolve]) => !wanted.includes(what) || resolve(what));
  }

  // send sends a frame and returns which of the wanted comes first.
  async send(frame, ...wanted) {
    await Promise.race([this.open, this.ended]);
    const heard = wanted.length && new Promise((resolve) => this.waiting.push([wanted, resolve]));
    this.ws.send(frame);
    return Promise.race([heard, this.ended]);
  }

  leave() {
    this.left = true;
    this.ws.terminate();
  }
}

// visiting does something in a socket. A room that ends it has refused: that is 503, or
// 413 if it had no space.
const visiting = (what, to, act, more) => ({
  what, ...more,
  async visit(host, sub) {
    const room = to();
    const socket = new Socket(host, room, sub);
    try {
      return { status: (await act(socket, room)) ? 200 : 413, text: "" };
    } catch (error) {
      if (error instanceof Closed) return { status: 503, text: error.message };
      throw error;
    } finally {
      socket.leave();
    }
  },
});

const empty = Uint8Array.of(0);

// seedRooms fills rooms to the limit, as far as large updates fit. It returns their
// names, each with the state vector of almost everything.
export async function seedRooms(ask) {
  const full = new Map();
  for (const room of ["full-0", "full-1", "full-2", "full-3"]) {
    const vector = encoding.createEncoder();
    encoding.writeVarUint(vector, 3);
    for (let n = 0; n < 4; n++) {
      const { id, update } = value(LIMIT_DOCUMENT_BYTES / 4 - 1000);
      const { status, text } = await ask({ method: "POST", path: `/yjs/${room}`, body: update, ...binary }, "seeder");
      if (status !== 204) throw new Error(`${room}: ${status} ${text}`);
      if (n > 0) for (const number of [id, 1]) encoding.writeVarUint(vector, number);
    }
    full.set(room, encoding.toUint8Array(vector));
  }
  return full;
}

// roomRequests are requests as those of requests.mjs, each of which asks by itself:
// visit(host, sub) returns {status, text}. check(state) throws if state(room) lacks what
// the room acknowledged. vectors are what seedRooms returned; ask(host, request, sub)
// sends one request.
export function roomRequests(vectors, ask) {
  const full = [...vectors.keys()];
  let turn = 0;
  const next = (rooms) => rooms[turn++ % rooms.length];
  let written = 0;
  const filling = () => `filling-${Math.floor(written++ / 5) % 40}`; // until it is full
  const aFull = () => next(full);
  const emptied = () => next(["emptied-0", "emptied-1"]);

  const acked = []; // of rooms that nobody empties
  const ack = (room, id) => room.startsWith("emptied") || acked.push([room, id]);

  const asking = (what, room, request, more) => ({
    what, ...more, visit: (host, sub) => ask(host, { ...request, path: `/yjs/${room()}${request.path ?? ""}` }, sub),
  });
  const offline = (to, more) =>
    visiting("an offline edit", to, async (socket, room) => {
      const { id, update } = value(4_000_000);
      await socket.send(sync(SYNC.step1, empty), "step2");
      if ((await socket.send(sync(SYNC.step2, update), id, "refusal")) === "refusal") return false;
      ack(room, id);
      return true;
    }, more);
  const post = (to, more) => ({
    what: "a large update", ...more,
    async visit(host, sub) {
      const { id, update } = value(3_000_000);
      const room = to();
      const answer = await ask(host, { method: "POST", path: `/yjs/${room}`, body: update, ...binary }, sub);
      if (answer.status < 300) ack(room, id);
      return answer;
    },
  });
  const versioned = (to, more) => ({
    what: "a version, and back to it", ...more,
    async visit(host, sub) {
      const path = `/yjs/${to()}/versions`;
      let answer = await ask(host, { method: "POST", path, body: "v", type: "text/plain" }, sub);
      if (answer.status === 201) answer = await ask(host, { method: "POST", path: `${path}/${JSON.parse(answer.text).id}/restore` }, sub);
      return answer;
    },
  });
  const join = (what, more) => visiting(what, aFull, (socket) => socket.send(sync(SYNC.step1, empty), "step2"), more);

  const list = [
    join("joins of full rooms", { great: true }),
    join("a join of a full room"),
    visiting("a join that has almost everything", aFull, async (socket, room) => socket.send(sync(SYNC.step1, vectors.get(room)), "step2")),
    offline(filling, { great: true }),
    offline(emptied),
    offline(aFull),
    post(filling, { great: true }),
    post(emptied),
    post(aFull),
    visiting("typing", () => "small", async (socket) => {
      for (let n = 0; n < 20; n++) {
        const { id, update } = value(10);
        await socket.send(sync(SYNC.update, update), id);
      }
      return true;
    }),
    visiting("presence", () => next([...full, "small"]), async (socket) => {
      for (let n = 0; n < 4; n++) await socket.send(presence(++client, "p".repeat(LIMIT_PRESENCE_STATE_BYTES - 100)));
      return socket.send(sync(SYNC.step1, empty), "step2");
    }),
    asking("a full room", aFull, {}, { great: true }),
    asking("a full room as JSON", aFull, { path: "?format=json" }, { great: true }),
    asking("a full room as a tree", aFull, { path: "?format=tree" }),
    asking("what a vector lacks", aFull, { path: "?sv=AQEB" }),
    versioned(aFull),
    versioned(emptied),
    asking("a deletion", emptied, { method: "DELETE" }),
  ];
  const check = async (state) => {
    for (const room of new Set(acked.map(([room]) => room))) {
      const { to } = Y.parseUpdateMeta(await state(room));
      for (const [of, id] of acked) if (of === room && !to.has(id)) throw new Error(`${room} lacks what client ${id} wrote`);
    }
  };
  return { list, check };
}
