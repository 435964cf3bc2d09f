// Documents of more than 4 MB, of which most is deleted.
import { setTimeout as sleep } from "node:timers/promises";
import * as Y from "yjs";
import { token } from "../doors.mjs";

const text = (doc) => doc.getText("text");
const map = (doc) => doc.getMap("map");
const xml = (doc) => doc.getXmlFragment("xml");

// The edits of each document. The last one deletes.
export const deletions = {
  "4.0 of 4.5 MB of a text": [(doc) => text(doc).insert(0, "x".repeat(4.5e6)), (doc) => text(doc).delete(0, 4e6)],
  "an image of 6 MB, as bytes in a map": [(doc) => map(doc).set("image", new Uint8Array(6e6)), (doc) => map(doc).delete("image")],
  "an image of 6 MB, as Base64 in an XML element": [
    (doc) => {
      const image = new Y.XmlElement("img");
      image.setAttribute("src", Buffer.alloc(4.5e6).toString("base64"));
      xml(doc).insert(0, [image]);
    },
    (doc) => xml(doc).delete(0),
  ],
  "a key set to 5 MB, six times": Array.from({ length: 6 }, (_, i) => (doc) => map(doc).set("key", `${i}`.repeat(5e6))),
  "445,000 of 500,000 keystrokes, each before the last": [
    (doc) => {
      while (text(doc).length < 500_000) text(doc).insert(0, "x");
    },
    (doc) => text(doc).delete(0, 445_000),
  ],
  "4.0 of 4.5 MB of paragraphs": [
    (doc) => {
      const paragraph = () => {
        const p = new Y.XmlElement("p");
        p.insert(0, [new Y.XmlText("what people write, ".repeat(20))]);
        return p;
      };
      xml(doc).insert(0, Array.from({ length: 10_800 }, paragraph));
    },
    (doc) => xml(doc).delete(0, 9_600),
  ],
};

// post sends an update, again while the document is full: deleted content counts until the
// room has compacted the document.
export async function post({ url }, room, update) {
  for (let left = 300; ; left--, await sleep(100)) {
    const response = await fetch(`${url}/yjs/${room}`, { method: "POST", body: update, headers: { authorization: `Bearer ${token("someone")}` } });
    if (response.ok) return;
    const text = await response.text();
    if (left === 0 || response.status !== 413) throw new Error(`${response.status} ${text}`);
  }
}
