import { $isListNode, INSERT_UNORDERED_LIST_COMMAND, REMOVE_LIST_COMMAND } from "@lexical/list";
import { useLexicalComposerContext } from "@lexical/react/LexicalComposerContext";
import { $createHeadingNode, $isHeadingNode } from "@lexical/rich-text";
import { $setBlocksType } from "@lexical/selection";
import {
  $createParagraphNode, $getSelection, $isRangeSelection, FORMAT_TEXT_COMMAND, REDO_COMMAND, UNDO_COMMAND,
  type RangeSelection,
} from "lexical";
import { useEffect, useState } from "react";

const plain = { bold: false, italic: false, underline: false, heading: false, list: false };

/** The buttons above the text. */
export function EditorToolbar() {
  const [editor] = useLexicalComposerContext();
  const [on, setOn] = useState(plain);

  useEffect(
    () =>
      editor.registerUpdateListener(({ editorState }) => {
        editorState.read(() => {
          const selection = $getSelection();
          if ($isRangeSelection(selection)) setOn(formats(selection));
        });
      }),
    [editor],
  );

  const format = (name: "bold" | "italic" | "underline") => editor.dispatchCommand(FORMAT_TEXT_COMMAND, name);
  const heading = () =>
    editor.update(() => {
      $setBlocksType($getSelection(), () => (on.heading ? $createParagraphNode() : $createHeadingNode("h2")));
    });
  const list = () => editor.dispatchCommand(on.list ? REMOVE_LIST_COMMAND : INSERT_UNORDERED_LIST_COMMAND, undefined);

  return (
    <div className="tm-toolbar" role="group" aria-label="Format">
      <Button label="Bold" pressed={on.bold} onPress={() => format("bold")} sign={<b>B</b>} />
      <Button label="Italic" pressed={on.italic} onPress={() => format("italic")} sign={<i>I</i>} />
      <Button label="Underline" pressed={on.underline} onPress={() => format("underline")} sign={<u>U</u>} />
      <Button label="Heading" pressed={on.heading} onPress={heading} sign="H" />
      <Button label="List" pressed={on.list} onPress={list} sign="•" />
      <Button label="Undo" onPress={() => editor.dispatchCommand(UNDO_COMMAND, undefined)} sign="↶" />
      <Button label="Redo" onPress={() => editor.dispatchCommand(REDO_COMMAND, undefined)} sign="↷" />
    </div>
  );
}

function formats(selection: RangeSelection): typeof plain {
  const anchor = selection.anchor.getNode();
  const block = anchor.getTopLevelElement();
  return {
    bold: selection.hasFormat("bold"),
    italic: selection.hasFormat("italic"),
    underline: selection.hasFormat("underline"),
    heading: $isHeadingNode(block),
    list: $isListNode(block),
  };
}

function Button({ label, sign, pressed, onPress }: { label: string; sign: React.ReactNode; pressed?: boolean; onPress(): void }) {
  return (
    <button
      type="button"
      aria-label={label}
      aria-pressed={pressed}
      title={label}
      onMouseDown={(event) => event.preventDefault() /* keep the selection */}
      onClick={onPress}
    >
      <span aria-hidden="true">{sign}</span>
    </button>
  );
}
