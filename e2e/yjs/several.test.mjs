// The wire of a socket on which Hocuspocus' provider has several documents, byte by byte, on both
// hosts. docs/protocol.md, H1 to H8. hocuspocus.test.mjs has the real providers.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import WebSocket from "ws";
import * as encoding from "lib0/encoding";
import * as decoding from "lib0/decoding";
import { doors, token } from "../doors.mjs";
import { until } from "../until.mjs";

const SYNC = 0, AUTH = 2, STATELESS = 5, CLOSE = 7, STATUS = 8, PING = 9, PONG = 10;
const STEP1 = 0, STEP2 = 1, UPDATE = 2;
const typed = Uint8Array.from([1, 1, 1, 0, 4, 1, 1, 0x74, 1, 0x78, 0]); // "x" in the text t, of client 1

// frame writes an address and then numbers, texts and bytes.
function frame(address, ...parts) {
  const encoder = encoding.createEncoder();
  for (const part of [address, ...parts]) {
    if (typeof part === "number") encoding.writeVarUint(encoder, part);
    else if (typeof part === "string") encoding.writeVarString(encoder, part);
    else encoding.writeVarUint8Array(encoder, part);
  }
  return encoding.toUint8Array(encoder);
}

// A Client is a raw socket, and what it has received: {address, type, sub, text}.
class Client {
  constructor(url, options) {
    this.heard = [];
    this.closed = null; // {code, reason}
    this.socket = new WebSocket(url.replace("http", "ws"), options);
    this.socket.on("message", (data) => this.heard.push(read(new Uint8Array(data))));
    this.socket.on("close", (code, reason) => (this.closed = { code, reason: String(reason) }));
    this.socket.on("error", () => {});
  }

  send(...parts) {
    this.socket.send(frame(...parts));
  }

  join(address, bearer, ...version) {
    this.send(address, AUTH, 0, bearer, ...version);
  }

  // next waits for a message to an address of a type, and takes it.
  async next(address, type, sub) {
    const wanted = (m) => m.address === address && m.type === type && (sub === undefined || m.sub === sub);
    await until(() => this.heard.some(wanted), () => `${type} for ${address}: ${JSON.stringify([this.heard, this.closed])}`);
    return this.heard.splice(this.heard.findIndex(wanted), 1)[0];
  }

  async end() {
    await until(() => this.closed !== null, "the socket to end");
    return this.closed;
  }
}

function read(bytes) {
  if (bytes.length === 1) return { type: bytes[0] };
  const decoder = decoding.createDecoder(bytes);
  const m = { address: decoding.readVarString(decoder), type: decoding.readVarUint(decoder) };
  if (m.type === SYNC || m.type === AUTH || m.type === STATUS) m.sub = decoding.readVarUint(decoder);
  if (m.type === STATELESS || m.type === CLOSE || m.type === AUTH) m.text = decoding.readVarString(decoder);
  return m;
}

for (const [name, open] of Object.entries(doors)) {
  test(`${name}: several documents on one socket`, async (t) => {
    const door = open({ LIMIT_YJS_MESSAGES_PER_SECOND: "10", LIMIT_SOCKETS_PER_SUBJECT: "110" });
    t.after(() => door.close());
    await door.start();
    const url = `${door.url}/hocuspocus`;
    const all = token("alice");
    const some = token("bob", { rooms: ["mine"] });
    const connect = async (options, at = url) => {
      const client = new Client(at, options);
      t.after(() => client.socket.terminate());
      await once(client.socket, "open");
      return client;
    };
    const ask = (method, path, body) => fetch(door.url + path, { method, body, headers: { authorization: `Bearer ${all}` } });

    await t.test("each has its own authorization", async () => {
      const c = await connect();
      c.join("mine", some);
      c.join("yours", some);
      c.join("with\0session", all, "4.8.0");
      assert.equal((await c.next("mine", AUTH, 2)).text, "read-write");
      assert.equal((await c.next("with\0session", AUTH, 2)).text, "read-write");
      assert.match((await c.next("yours", AUTH, 1)).text, /rooms/);
      c.send("yours", SYNC, UPDATE, typed);
      c.send("mine", SYNC, STEP1, Uint8Array.of(0));
      await c.next("mine", SYNC, STEP2);
      assert.equal(c.closed, null);
      assert.equal((await ask("GET", "/yjs/yours")).status, 404);
      c.join("\ufeffmine", some); // another name
      assert.match((await c.next("\ufeffmine", AUTH, 1)).text, /rooms/);
      const longest = `mine\0${"s".repeat(1019)}`; // 1,024 bytes
      c.join(longest, some, "4.8.0");
      await c.next(longest, AUTH, 2);
      c.join("yours", all); // a provider that was let in never may ask again
      await c.next("yours", AUTH, 2);
    });

    await t.test("a token, a name or an origin that cannot be", async () => {
      const c = await connect();
      for (const [document, bearer, why] of [
        ["a", "", /option `token`/], ["b", "no\r\nx-injected: 1", /characters/], ["c", "é", /characters/], ["c", `\ufeff${all}`, /characters/], ["d", "nonsense", /invalid token/], ["d", "x".repeat(8193), /8192 bytes/],
        ["..", all, /not \. or \.\./], [".", all, /not \. or \.\./], ["", all, /1 to 512 bytes/], ["n".repeat(513), all, /1 to 512 bytes/],
      ]) {
        c.join(document, bearer);
        assert.match((await c.next(document, AUTH, 1)).text, why);
      }
      c.socket.send(Uint8Array.of(1, 0x65, AUTH, 0, 1, 0xff)); // for e, not UTF-8
      assert.match((await c.next("e", AUTH, 1)).text, /characters/);
      assert.equal(c.closed, null);
      const stranger = await connect({ origin: "https://elsewhere.example" });
      stranger.join("a", all);
      assert.match((await stranger.next("a", AUTH)).text, /./);
    });

    await t.test("an update before the token is not lost, and its status comes after it is stored", async () => {
      const c = await connect();
      c.send("early", SYNC, UPDATE, typed);
      c.join("early", all);
      assert.equal((await c.next("early", STATUS)).sub, 1);
      const text = await ask("GET", "/yjs/early?format=text&name=t");
      assert.equal(await text.text(), "x");
    });

    await t.test("a token, an update and a close at once lose nothing, and a provider may join again behind them", async () => {
      const c = await connect();
      c.join("at once", all, "4.8.0");
      c.send("at once", SYNC, UPDATE, typed);
      c.send("at once", CLOSE);
      c.join("at once", some, "4.8.0"); // another provider, which is denied
      assert.match((await c.next("at once", AUTH, 1)).text, /rooms/);
      c.join("at the end", all, "4.8.0");
      c.send("at the end", SYNC, UPDATE, typed);
      c.socket.close();
      for (const document of ["at once", "at the end"]) {
        await until(async () => {
          const text = await ask("GET", `/yjs/${encodeURIComponent(document)}?format=text&name=t`);
          return (await text.text()) === "x";
        }, `the update of ${document}`);
      }
    });

    await t.test("a name with slashes, dots and letters of other scripts", async () => {
      const c = await connect();
      const document = "a/../b ?#%2F/日本";
      c.join(document, all);
      c.send(document, SYNC, UPDATE, typed);
      assert.equal((await c.next(document, STATUS)).sub, 1);
      assert.equal((await ask("GET", `/yjs/${encodeURIComponent(document)}`)).status, 200);
    });

    await t.test("a client leaves one document, and a deletion closes one", async () => {
      const c = await connect();
      for (const document of ["left", "deleted", "kept"]) {
        c.join(document, all, "4.8.0");
        c.send(document, SYNC, UPDATE, typed);
        await c.next(document, STATUS);
      }
      c.send("left", CLOSE);
      assert.equal((await ask("DELETE", "/yjs/deleted")).status, 204);
      assert.match((await c.next("deleted", CLOSE)).text, /deleted/);
      c.send("deleted", SYNC, UPDATE, typed); // goes to nobody
      c.send("kept", STATELESS, "hello");
      assert.equal((await c.next("kept", STATELESS)).text, "hello");
      assert.equal((await ask("GET", "/yjs/deleted")).status, 404);
      c.join("left", all);
      await c.next("left", AUTH, 2);
      assert.equal(c.closed, null);
    });

    await t.test("a provider before version 4 hears of a deletion as a denial", async () => {
      const c = await connect();
      c.join("old", all);
      await c.next("old", AUTH, 2);
      c.send("old", SYNC, UPDATE, typed);
      await c.next("old", STATUS);
      assert.equal((await ask("DELETE", "/yjs/old")).status, 204);
      assert.match((await c.next("old", AUTH, 1)).text, /deleted/);
    });

    await t.test("limits", async () => {
      const c = await connect();
      c.socket.send(Uint8Array.of(PING));
      await c.next(undefined, PONG);
      for (let i = 0; i < 100; i++) c.join(`many-${i}`, all);
      for (let i = 0; i < 100; i++) await c.next(`many-${i}`, AUTH, 2);
      c.join("one more", all);
      assert.match((await c.next("one more", AUTH, 1)).text, /100 documents/);
      c.send("many-0", CLOSE);
      c.join("one more", all);
      await c.next("one more", AUTH, 2);

      const other = await connect(); // of the same subject, which has more sockets from the tests before
      for (let i = 0; i < 20; i++) other.join(`more-${i}`, all);
      const denied = () => other.heard.find((m) => m.type === AUTH && m.sub === 1);
      await until(denied, "a denial");
      assert.match(denied().text, /110 WebSockets/);
      assert.equal(other.closed, null);
      other.socket.close();
      c.socket.close();

      for (const [bytes, code] of [
        [Uint8Array.of(), 4400], [Uint8Array.of(200), 4400], [frame("no type"), 4400], [Uint8Array.of(2, 0xff, 0xff, 0), 4400],
        [Uint8Array.of(0x81, 0, 0x61, SYNC), 4400], // a length of a byte too many
        [frame("n".repeat(1025), SYNC), 4400], [frame("early", SYNC, UPDATE, new Uint8Array(1 << 20)), 1009],
      ]) {
        const one = await connect();
        one.socket.send(bytes);
        assert.equal((await one.end()).code, code, `${bytes.subarray(0, 20)}`);
      }
      const waiting = await connect();
      for (let i = 0; i < 3; i++) waiting.send("early", SYNC, UPDATE, new Uint8Array(400_000));
      assert.equal((await waiting.end()).code, 4413);
      const beside = await connect(); // an open document goes on, whatever waits for another one
      beside.join("beside", all);
      await beside.next("beside", AUTH, 2);
      for (let i = 0; i < 1000; i++) beside.send("early", SYNC, UPDATE, typed);
      beside.send("beside", SYNC, UPDATE, typed);
      assert.equal((await beside.next("beside", STATUS)).sub, 1);
      const refused = await connect();
      for (let i = 0; i < 1001; i++) refused.join(`denied ${i}`, "");
      assert.equal((await refused.end()).code, 4413);
      const many = await connect();
      for (let i = 0; i < 1001; i++) many.send("early", SYNC, UPDATE, typed);
      assert.equal((await many.end()).code, 4413);
    });

    await t.test("a flood closes the socket with a code after which every provider connects again", async () => {
      const c = await connect();
      c.join("flood", all);
      await c.next("flood", AUTH, 2);
      for (let i = 0; i < 1000; i++) c.send("flood", SYNC, STEP1, Uint8Array.of(0));
      const { code, reason } = await c.end();
      assert.equal(code, 4205);
      assert.match(reason, /too many messages/);
    });

    await t.test("a malformed message closes its document alone", async () => {
      const c = await connect();
      c.join("good", all, "4.8.0");
      c.join("bad", all, "4.8.0");
      await c.next("good", AUTH, 2);
      await c.next("bad", AUTH, 2);
      c.send("bad", SYNC, UPDATE, Uint8Array.of(1, 2, 3));
      assert.match((await c.next("bad", CLOSE)).text, /malformed update/);
      c.send("good", SYNC, UPDATE, typed);
      assert.equal((await c.next("good", STATUS)).sub, 1);
    });

    await t.test("without an upgrade, and in a space", async () => {
      const plain = await fetch(url);
      assert.equal(plain.status, 426);
      const c = await connect(undefined, `${door.url}/s/team/hocuspocus`);
      const claims = { spaces: ["team"] };
      c.join("inside", token("carol", claims));
      c.send("inside", SYNC, UPDATE, typed);
      assert.equal((await c.next("inside", STATUS)).sub, 1);
      c.join("outside", all);
      assert.match((await c.next("outside", AUTH, 1)).text, /spaces/);
      const inside = await fetch(`${door.url}/s/team/yjs/inside`, { headers: { authorization: `Bearer ${token("carol", claims)}` } });
      assert.equal(inside.status, 200);
      assert.equal((await ask("GET", "/yjs/inside")).status, 404);
      const none = await connect(undefined, `${door.url}/s/-not-a-name/hocuspocus`).catch(() => null);
      assert.equal((await none.end()).code, 4404);
    });

    await t.test("sockets without an open document take half of the places", async (t) => {
      const small = open({ LIMIT_SOCKETS: "4" });
      t.after(() => small.close());
      await small.start();
      const at = `${small.url}/hocuspocus`;
      const [first] = [await connect(undefined, at), await connect(undefined, at)];
      const more = await connect(undefined, at);
      assert.deepEqual(await more.end(), { code: 4503, reason: "too many WebSockets have no open document yet; try again later" });
      first.join("a", all);
      await first.next("a", AUTH, 2);
      const last = await connect(undefined, at);
      last.socket.send(Uint8Array.of(PING));
      await last.next(undefined, PONG);
    });
    assert.doesNotMatch(door.log, /instance (ended|failed)|a request failed/);
  });
}
