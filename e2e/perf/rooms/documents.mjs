// What is written into the rooms that are measured.
import * as Y from "yjs";
import { update } from "./client.mjs";

// documentOf answers frames that make a text of so many characters: 5,000
// paragraphs, each put at a random place.
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

// typist answers a function that makes the next frame: a text, a keystroke unless
// given, at the end of what was typed before.
export function typist() {
  const doc = new Y.Doc();
  const text = doc.getText("typed");
  let frame;
  doc.on("update", (u) => (frame = update(u)));
  return (typed = "x") => (text.insert(text.length, typed), frame);
}
