// The random changes that testHelper makes, of each kind of type, nested ones too.
import * as prng from "lib0/prng";
import * as Y from "yjs";

const at = (gen, length) => prng.int32(gen, 0, length);
const word = (gen) => prng.oneOf(gen, [() => prng.word(gen), () => prng.utf16String(gen, 5), () => "😀", () => "\r\n"])();
const value = (gen) => prng.oneOf(gen, [
  () => prng.int32(gen, -1000, 1000), () => prng.bool(gen), () => null, () => word(gen),
  () => ({ a: word(gen), b: [prng.real53(gen)] }), () => prng.uint8Array(gen, 4),
])();
const key = (gen) => prng.oneOf(gen, ["one", "two", "three"]);

// cut deletes a few items of a type that has some.
const cut = (gen, type) => {
  if (type.length === 0) return;
  const from = at(gen, type.length - 1);
  type.delete(from, prng.int32(gen, 1, Math.min(3, type.length - from)));
};

const array = [
  (doc, gen) => doc.getArray("array").insert(at(gen, doc.getArray("array").length), Array.from({ length: prng.int32(gen, 1, 3) }, () => value(gen))),
  (doc, gen) => {
    const array = doc.getArray("array");
    const nested = prng.bool(gen) ? Y.Array.from([value(gen), value(gen)]) : new Y.Map([[key(gen), value(gen)]]);
    array.insert(at(gen, array.length), [nested]);
  },
  (doc, gen) => {
    const nested = doc.getArray("array").toArray().filter((item) => item instanceof Y.Array);
    if (nested.length > 0) cut(gen, prng.oneOf(gen, nested));
  },
  (doc, gen) => cut(gen, doc.getArray("array")),
];

const map = [
  (doc, gen) => doc.getMap("map").set(key(gen), value(gen)),
  (doc, gen) => doc.getMap("map").set(key(gen), prng.bool(gen) ? Y.Array.from([value(gen)]) : new Y.Map([[key(gen), value(gen)]])),
  (doc, gen) => doc.getMap("map").delete(key(gen)),
  (doc, gen) => {
    const nested = doc.getMap("map").get(key(gen));
    if (nested instanceof Y.Array) nested.push([value(gen)]);
  },
];

// Texts get no pairs of surrogates. Where two clients edit within one, yjs's documents
// differ, and its helper fails with its own connector, too.
const format = (gen) => prng.oneOf(gen, [{ bold: true }, { bold: null }, { em: {} }, { em: null, bold: true }, { color: prng.word(gen) }]);

const text = [
  (doc, gen) => doc.getText("text").insert(at(gen, doc.getText("text").length), prng.word(gen), prng.bool(gen) ? format(gen) : undefined),
  (doc, gen) => doc.getText("text").insertEmbed(at(gen, doc.getText("text").length), { image: prng.word(gen) }),
  (doc, gen) => cut(gen, doc.getText("text")),
  (doc, gen) => {
    const text = doc.getText("text");
    if (text.length === 0) return;
    const from = at(gen, text.length - 1);
    text.format(from, prng.int32(gen, 1, text.length - from), format(gen));
  },
  (doc, gen) => doc.getText("text").applyDelta([{ insert: prng.word(gen) }, { retain: Math.min(1, doc.getText("text").length), attributes: format(gen) }]),
];

const node = (gen) => prng.bool(gen) ? new Y.XmlElement(prng.oneOf(gen, ["p", "li"])) : new Y.XmlText(prng.word(gen));

const xml = [
  (doc, gen) => doc.get("xml", Y.XmlElement).insert(at(gen, doc.get("xml", Y.XmlElement).length), [node(gen)]),
  (doc, gen) => cut(gen, doc.get("xml", Y.XmlElement)),
  (doc, gen) => doc.get("xml", Y.XmlElement).setAttribute(key(gen), prng.word(gen)),
  (doc, gen) => doc.get("xml", Y.XmlElement).removeAttribute(key(gen)),
  (doc, gen) => {
    const root = doc.get("xml", Y.XmlElement);
    if (root.length === 0) return;
    const child = root.get(at(gen, root.length - 1));
    if (child instanceof Y.XmlElement) child.insert(at(gen, child.length), [node(gen)]);
    else child.insert(at(gen, child.length), prng.word(gen), { bold: prng.bool(gen) });
  },
];

export const changes = { array, map, text, xml, "all types": [...array, ...map, ...text, ...xml] };
