// The documents of the measured rooms.
import * as decoding from "lib0/decoding";
import * as Y from "yjs";
import { isDenied, isUpdate, join, update } from "./client.mjs";

// documentOf returns frames that make a text of so many characters: 5,000 paragraphs, each
// at a random place.
export function documentOf(bytes) {
  const doc = new Y.Doc();
  const frames = [];
  doc.on("update", (u) => frames.push(update(u)));
  const text = doc.getText("document");
  const pieces = 5000;
  const piece = "what people write, ".repeat(bytes / pieces / 19 + 1).slice(0, bytes / pieces);
  let random = 1;
  for (let i = 0; i < pieces; ) {
    doc.transact(() => {
      for (const end = Math.min(pieces, i + Math.ceil((pieces * 1e6) / bytes)); i < end; i++) {
        random = (random * 48271) % 0x7fffffff;
        text.insert(random % (text.length + 1), piece);
      }
    });
  }
  return frames;
}

// valuesOf returns frames that set keys of a map to strings of 5 MB. Together they have so
// many bytes, less 4 KB.
export function valuesOf(bytes) {
  const doc = new Y.Doc();
  const frames = [];
  doc.on("update", (u) => frames.push(update(u)));
  for (let left = bytes - 4096, i = 0; left > 0; left -= 5e6, i++) doc.getMap("values").set(`${i}`, "v".repeat(Math.min(left, 5e6)));
  return frames;
}

// write sends a frame and waits until it comes back. It throws the reason of a refusal.
export async function write(socket, frame) {
  let denied;
  const heard = socket.hear((data) => isUpdate(data) || (denied = isDenied(data) && data));
  socket.send(frame);
  await heard;
  if (!denied) return;
  const d = decoding.createDecoder(denied);
  d.pos = 2;
  throw new Error(decoding.readVarString(d));
}

// fill writes a document into a room, and returns a socket that keeps the room open.
export async function fill(target, room, frames) {
  const socket = await join(target, room);
  for (const frame of frames) await write(socket, frame);
  return socket;
}

// typist returns a function that returns the next frame: a text, one character by default,
// at the end of the text before.
export function typist() {
  const doc = new Y.Doc();
  const text = doc.getText("typed");
  let frame;
  doc.on("update", (u) => (frame = update(u)));
  return (typed = "x") => (text.insert(text.length, typed), frame);
}
