import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import { Editor } from "@tiptap/core";
import { Collaboration } from "@tiptap/extension-collaboration";
import { CollaborationCaret } from "@tiptap/extension-collaboration-caret";
import { Document } from "@tiptap/extension-document";
import { Paragraph } from "@tiptap/extension-paragraph";
import { Text } from "@tiptap/extension-text";
import * as Y from "yjs";
import { TiptapAwareness } from "./presence.mjs";
import { Format, LineBreak, Piece } from "./schema.mjs";

/**
 * Opens a Tiptap editor in an element, by Hocuspocus' provider. It shows the root `field` of the room's document.
 * @param {{server: string, room: string, token: string, user: {name: string, color: string}, element: HTMLElement, field: string}} options
 */
export function openTiptap({ server, room, token, user, element, field }) {
  const doc = new Y.Doc();
  const awareness = new TiptapAwareness(doc);
  const socket = new HocuspocusProviderWebsocket({ url: `${server.replace("http", "ws")}/hocuspocus` });
  const provider = new HocuspocusProvider({ websocketProvider: socket, name: room, document: doc, awareness, token });
  provider.attach();
  const editor = new Editor({
    element,
    extensions: [
      Document, Paragraph, Text, LineBreak, Format, Piece,
      Collaboration.configure({ document: doc, field }),
      CollaborationCaret.configure({ provider, user }),
    ],
  });
  const close = () => {
    editor.destroy();
    provider.destroy();
    socket.destroy();
    doc.destroy(); // and its awareness
  };
  return { editor, doc, awareness, provider, close };
}
