// The text of the notebook.
import type { Doc, Text } from "yjs";

export const textOf = (doc: Doc): Text => doc.getText("text");

/** Makes the text what a person has typed. Only the part that differs changes, so that others can write elsewhere. */
export function write(text: Text, typed: string): void {
  const before = text.toString();
  let start = 0;
  while (start < before.length && start < typed.length && before[start] === typed[start]) start++;
  let end = 0;
  while (end < before.length - start && end < typed.length - start && before[before.length - 1 - end] === typed[typed.length - 1 - end]) end++;
  text.doc!.transact(() => {
    text.delete(start, before.length - end - start);
    text.insert(start, typed.slice(start, typed.length - end));
  });
}
