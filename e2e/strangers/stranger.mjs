// The random input of a stranger: legal requests, updates and frames with changes.
import { readFileSync } from "node:fs";
import path from "node:path";
import * as encoding from "lib0/encoding";
import { root, token } from "../doors.mjs";
import { dice } from "../yjsdiff/dice.mjs";
import { frame } from "./wire.mjs";

const read = (file) => JSON.parse(readFileSync(path.join(root, file), "utf8"));
const corpus = read("e2e/strangers/corpus.json");
const updates = read("shared/yjs/testdata/documents-13.6.33.json").flatMap((d) => d.updates.map((u) => Buffer.from(u, "base64")));
const raw = corpus.raw.map((text) => Buffer.from(text, "latin1"));

export const tokens = [
  token("alice", { scope: "sync:read sync:write sync:admin projects:read projects:write yjs:read yjs:write" }),
  token("alice"),
  token("reader", { scope: "sync:read projects:read yjs:read" }),
  token("guest", { rooms: ["a*"] }),
  token("late", { exp: 1 }),
  token(7, { exp: "never", rooms: { a: 1 } }),
  "",
  "a.b.c",
];

export const requests = [
  ...corpus.requests.map(({ method, path, headers = {}, body = "" }) => ({
    method, path, body: Buffer.from(body),
    header: Object.entries(headers).map(([name, value]) => `${name}: ${value}\n`).join(""),
  })),
  ...updates.map((body) => ({ method: "POST", path: "/yjs/b", header: "", body })),
].map((r) => ({ ...r, path: Buffer.from(r.path), token: tokens[0] }));

// Text that parsers often mishandle.
const odd = [
  "", "null", "-1", "0", "1e999", "9007199254740993", "-0.0", "18446744073709551616", '"', "\\", "\\u0000", "\\ud800",
  "\x00", "\xff", "\xed\xa0\x80", "[", "{", "]", "}", ",", ":", "[".repeat(42), '{"a":'.repeat(5), "true", "%", "%00",
  "%2F", "%ff", "..", "//", "?", "&", "#", ";", "=", "+", "\xc3\xa9", "\xf0\x9f\x98\x80", "\xe2\x80\xa8", "__proto__",
  "id", "tasks", "deleted", "\x80".repeat(9) + "\x01", "\xff\xff\xff\xff\x0f", "\x7f", "\x01",
].map((text) => Buffer.from(text, "latin1"));

const rooms = ["/yjs/a", "/yjs/b", "/sync/subscribe", "/api/v1/projects/p1/subscribe"];
const codes = [999, 1000, 1001, 1003, 1004, 1005, 1006, 1007, 1011, 1015, 2999, 3000, 4401, 4999, 5000, 65535];
const bytes = (write) => Buffer.from(encoding.encode(write));
const uint = (e, ...numbers) => numbers.forEach((n) => encoding.writeVarUint(e, n));

// stranger returns a stranger whose input depends on the seed.
export function stranger(seed) {
  const { int, pick, chance } = dice(seed);
  const repeat = (n) => Buffer.concat(Array(int(n)).fill(pick(odd)));

  // mutate returns data with up to n changes.
  function mutate(data, n) {
    for (let left = int(n + 1); left > 0; left--) {
      const at = int(data.length + 1);
      const to = Math.min(at + int(12), data.length);
      const [before, piece, after] = [data.subarray(0, at), data.subarray(at, to), data.subarray(to)];
      const how = int(6);
      if (how === 0) data = before;
      else if (how === 1) data = Buffer.concat([before, after]);
      else if (how === 2) data = Buffer.concat([before, pick(odd), piece, after]);
      else if (how === 3) data = Buffer.concat([before, pick(odd), after]);
      else if (how === 4) data = Buffer.concat([before, piece, piece, after]);
      else if (at < data.length) (data = Buffer.from(data))[at] ^= 1 << int(8);
    }
    return data;
  }

  const who = () => (chance(1 / 3) ? pick(tokens) : tokens[0]);

  function request() {
    const r = { ...pick(requests), token: who() };
    const other = pick(requests);
    if (chance(1 / 8)) r.method = pick(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "get", "X"]);
    if (chance(1 / 3)) r.path = mutate(r.path, 3);
    const body = int(6);
    if (body === 0) r.body = other.body;
    if (body === 1) r.body = repeat(100_000);
    if (body > 3) r.body = mutate(r.body, 4);
    if (chance(1 / 3)) r.header = mutate(Buffer.from(r.header + other.header), 3);
    return r;
  }

  // say returns the frames of one message.
  function say() {
    const update = mutate(pick(updates), 3);
    const any = mutate(pick([update, Buffer.from('{"type":"change"}'), Buffer.from("ping"), Buffer.alloc(0)]), 4);
    switch (int(10)) {
      case 0: return frame(0x82, any);
      case 1: return frame(0x81, any);
      case 2: case 3: return frame(0x82, bytes((e) => (uint(e, 0, int(4)), encoding.writeVarUint8Array(e, update))));
      case 4: {
        const state = pick(["null", '{"user":"a"}', "1", "{"]);
        const entry = bytes((e) => (uint(e, 1, int(2 ** 31), int(2 ** 31)), encoding.writeVarString(e, state)));
        return frame(0x82, bytes((e) => (uint(e, 1), encoding.writeVarUint8Array(e, mutate(entry, 2)))));
      }
      case 5: return frame(0x89, mutate(Buffer.from("ping"), 3).subarray(0, 125));
      case 6: return any; // in no frame
      case 7: {
        const third = Math.floor(any.length / 3);
        const [a, b, c] = [any.subarray(0, third), any.subarray(third, 2 * third), any.subarray(2 * third)];
        return Buffer.concat([frame(2, a), frame(0, b), frame(0x89, Buffer.from("now")), frame(0x80, c)]);
      }
      case 8: return frame(2, any); // ends in no other
      default: return Buffer.concat(Array(int(32)).fill(frame(0x82, Buffer.from([3]))));
    }
  }

  function conversation() {
    const frames = Array.from({ length: 1 + int(12) }, say);
    if (chance(1 / 2)) {
      const code = Buffer.alloc(2);
      code.writeUInt16BE(pick(codes));
      frames.push(frame(0x88, Buffer.concat([code, repeat(40)]).subarray(0, 125)));
    }
    const path = Buffer.from(pick(rooms));
    return { path: chance(1 / 8) ? mutate(path, 2) : path, token: who(), frames: Buffer.concat([...frames, frame(0x88, Buffer.from([3, 232]))]) };
  }

  const talk = () => Buffer.from(mutate(pick(raw), 4).toString("latin1").replaceAll("TOKEN", tokens[0]), "latin1");

  return { request, conversation, talk, int };
}
