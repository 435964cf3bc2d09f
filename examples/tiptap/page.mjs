import * as Y from "yjs";
import { openLexical } from "./lexical.mjs";
import { others } from "./presence.mjs";
import { onSynced } from "./synced.mjs";
import { openTiptap } from "./tiptap.mjs";

const place = (id) => document.getElementById(id);

// textOf returns the text of the demo's note. It is in the first form of Lexical's documents: a text, in which paragraphs are texts.
const textOf = (text) =>
  text.toDelta().map(({ insert }) => (insert instanceof Y.XmlText ? `${textOf(insert)}\n` : typeof insert === "string" ? insert : "")).join("");

function start({ editor, server, room, token, name, color = "#b3261e" }) {
  if (editor === "lexical") place("editor").contentEditable = "true";
  const open = editor === "lexical" ? openLexical : openTiptap;
  const { doc, awareness, provider } = open({ server, room, token, user: { name, color }, element: place("editor"), carets: place("carets"), field: "letter" });
  const note = doc.get("root", Y.XmlText);
  note.observeDeep(() => (place("note").textContent = textOf(note)));
  awareness.on("change", () => place("others").replaceChildren(
    ...others(awareness).map((name) => Object.assign(document.createElement("li"), { textContent: name })),
  ));
  onSynced(provider, (synced) => (document.body.dataset.synced = synced));
}

addEventListener("hashchange", () => location.reload());
if (location.hash) start(Object.fromEntries(new URLSearchParams(location.hash.slice(1))));
