import { registerRichText } from "@lexical/rich-text";
import {
  createBindingV2__EXPERIMENTAL as createBinding, initLocalState, setLocalStateFocus, syncCursorPositions,
  syncLexicalUpdateToYjsV2__EXPERIMENTAL as toYjs, syncYjsChangesToLexicalV2__EXPERIMENTAL as toLexical,
} from "@lexical/yjs";
import { BLUR_COMMAND, COMMAND_PRIORITY_EDITOR, createEditor, FOCUS_COMMAND, SKIP_COLLAB_TAG } from "lexical";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { LexicalAwareness } from "./presence.mjs";

/**
 * Opens a Lexical editor in an element, or in none, by y-websocket. It shows the root `field` of the room's document, as the second
 * form of Lexical's documents has it: elements and texts, which Tiptap reads, too. The first form, which the demo has, is one text.
 * Lexical calls the second form an experiment.
 * @param {{server: string, room: string, token: string, user: {name: string, color: string}, element?: HTMLElement, carets?: HTMLElement, field: string}} options
 */
export function openLexical({ server, room, token, user: { name, color }, element = null, carets = null, field }) {
  const doc = new Y.Doc();
  const awareness = new LexicalAwareness(doc);
  const provider = new WebsocketProvider(`${server.replace("http", "ws")}/yjs`, room, doc, { awareness, params: { token }, disableBc: true });
  const editor = createEditor({
    namespace: "tiptap-example",
    onError: (error) => {
      throw error;
    },
  });
  const binding = createBinding(editor, room, doc, new Map([[room, doc]]), { rootName: field });
  binding.cursorsContainer = carets;
  const onEvents = (events, transaction) => transaction.origin !== binding && toLexical(binding, provider, events, transaction, false);
  const onPresence = () => syncCursorPositions(binding, provider);
  const focus = (focused) => () => (setLocalStateFocus(provider, name, color, focused, {}), false);
  binding.root.observeDeep(onEvents);
  awareness.on("update", onPresence);
  const unregister = [
    registerRichText(editor),
    editor.registerCommand(FOCUS_COMMAND, focus(true), COMMAND_PRIORITY_EDITOR),
    editor.registerCommand(BLUR_COMMAND, focus(false), COMMAND_PRIORITY_EDITOR),
    editor.registerUpdateListener(({ prevEditorState, editorState, dirtyElements, dirtyLeaves, normalizedNodes, tags }) => {
      if (!tags.has(SKIP_COLLAB_TAG)) toYjs(binding, provider, prevEditorState, editorState, dirtyElements, dirtyLeaves, normalizedNodes, tags);
    }),
  ];
  initLocalState(provider, name, color, false, {});
  editor.setRootElement(element);
  const close = () => {
    for (const end of unregister) end();
    awareness.off("update", onPresence);
    binding.root.unobserveDeep(onEvents);
    editor.setRootElement(null);
    provider.destroy();
    doc.destroy(); // and its awareness
  };
  return { editor, doc, awareness, provider, binding, close };
}
