import { ListItemNode, ListNode } from "@lexical/list";
import { CollaborationPlugin } from "@lexical/react/LexicalCollaborationPlugin";
import { LexicalCollaboration } from "@lexical/react/LexicalCollaborationContext";
import { LexicalComposer } from "@lexical/react/LexicalComposer";
import { useLexicalComposerContext } from "@lexical/react/LexicalComposerContext";
import { ContentEditable } from "@lexical/react/LexicalContentEditable";
import { LexicalErrorBoundary } from "@lexical/react/LexicalErrorBoundary";
import { ListPlugin } from "@lexical/react/LexicalListPlugin";
import { RichTextPlugin } from "@lexical/react/LexicalRichTextPlugin";
import { HeadingNode, QuoteNode } from "@lexical/rich-text";
import type { Provider } from "@lexical/yjs";
import { $getRoot, COLLABORATION_TAG, HISTORIC_TAG } from "lexical";
import { useCallback, useEffect, useRef } from "react";
import type { Doc } from "yjs";
import type { Room } from "../documents/room.js";
import { EditorToolbar } from "./EditorToolbar.js";
import { useTidemark } from "./TidemarkProvider.js";
import { useRoom } from "./YjsProvider.js";

export interface EditorProps {
  placeholder?: string;
  /** The text's name for screen readers; the placeholder if absent. */
  label?: string;
  /** Called with the plain text after this person's edits, and not after those of others. */
  onEdit?(text: string): void;
}

/**
 * An editor for the rich text of the nearest YjsProvider's room. It shows the cursors of the others. It needs no
 * style sheet. Its class names begin with `tm-`.
 */
export function CollaborativeLexicalEditor(props: EditorProps) {
  const room = useRoom();
  return room === null ? <div className="tm-editor" aria-busy="true" /> : <Editor key={room.id} room={room} {...props} />;
}

const theme = {
  paragraph: "tm-paragraph",
  quote: "tm-quote",
  heading: { h2: "tm-heading" },
  list: { ul: "tm-list", ol: "tm-list", listitem: "tm-item" },
  text: { bold: "tm-bold", italic: "tm-italic", underline: "tm-underline" },
};

const nodes = [HeadingNode, QuoteNode, ListNode, ListItemNode];

function Editor({ room, placeholder = "", label = placeholder, onEdit }: EditorProps & { room: Room }) {
  const { person } = useTidemark();
  const cursors = useRef<HTMLDivElement>(null);
  const provider = useCallback(
    (id: string, docs: Map<string, Doc>) => {
      docs.set(id, room.doc);
      return room as unknown as Provider;
    },
    [room],
  );
  return (
    <LexicalCollaboration>
      <LexicalComposer
        initialConfig={{
          namespace: "tidemark",
          nodes,
          theme,
          editorState: null, // the room's document has it
          onError: (error) => {
            throw error;
          },
        }}
      >
        <div className="tm-editor">
          <EditorToolbar />
          <div className="tm-page">
            <RichTextPlugin
              contentEditable={
                <ContentEditable
                  className="tm-text"
                  aria-label={label}
                  aria-placeholder={placeholder}
                  placeholder={<div className="tm-placeholder">{placeholder}</div>}
                />
              }
              ErrorBoundary={LexicalErrorBoundary}
            />
            <div className="tm-cursors" ref={cursors} aria-hidden="true" />
          </div>
          <ListPlugin />
          {/* No client bootstraps: two clients that did so at once would each add a paragraph. */}
          <CollaborationPlugin
            id={room.id}
            providerFactory={provider}
            shouldBootstrap={false}
            username={person.name}
            cursorColor={person.color}
            cursorsContainerRef={cursors}
          />
          {onEdit && <OnEdit onEdit={onEdit} />}
        </div>
      </LexicalComposer>
    </LexicalCollaboration>
  );
}

function OnEdit({ onEdit }: { onEdit(text: string): void }) {
  const [editor] = useLexicalComposerContext();
  const latest = useRef(onEdit);
  useEffect(() => {
    latest.current = onEdit;
  });
  useEffect(
    () =>
      editor.registerUpdateListener(({ editorState, dirtyElements, dirtyLeaves, tags }) => {
        if (dirtyElements.size + dirtyLeaves.size === 0 || tags.has(COLLABORATION_TAG) || tags.has(HISTORIC_TAG)) return;
        latest.current(editorState.read(() => $getRoot().getTextContent()));
      }),
    [editor],
  );
  return null;
}
