// What Lexical's document of paragraphs has besides paragraphs and texts, as Tiptap reads it. Tiptap deletes what its schema does
// not name: an app that adds a kind of node to one of the editors adds it to the other, too.
import { Mark, Node } from "@tiptap/core";

/** Lexical's line break. */
export const LineBreak = Node.create({
  name: "linebreak", group: "inline", inline: true, selectable: false,
  parseHTML: () => [{ tag: "br" }],
  renderHTML: () => ["br"],
  addKeyboardShortcuts() {
    return { "Shift-Enter": () => this.editor.commands.insertContent({ type: this.name }) };
  },
});

const tags = [[1, "strong"], [2, "em"], [4, "s"], [8, "u"]]; // the bits of Lexical's format

/** Lexical's properties of a text: here its format, which is bold alone if Tiptap sets it. */
export const Format = Mark.create({
  name: "p",
  addAttributes: () => ({ __format: { default: 1 } }),
  parseHTML: () => [{ tag: "strong" }],
  renderHTML: ({ mark }) => tags.reduce((inner, [bit, tag]) => (mark.attrs.__format & bit ? [tag, inner] : inner), 0),
  addKeyboardShortcuts() {
    return { "Mod-b": () => this.editor.commands.toggleMark(this.name) };
  },
});

/** The number by which Lexical keeps two texts of a paragraph apart. */
export const Piece = Mark.create({ name: "i", inclusive: false, renderHTML: () => ["span", 0] });
