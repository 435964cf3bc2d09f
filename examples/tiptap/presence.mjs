// Tiptap and Lexical announce a caret by the same positions of Yjs, under other names. These announce it under both.
import { Awareness } from "y-protocols/awareness";

/** The awareness of a Tiptap editor, whose caret Lexical shows, too. */
export class TiptapAwareness extends Awareness {
  setLocalState(state) {
    const { user, cursor } = state ?? {};
    super.setLocalState(user ? { ...state, ...user, focusing: Boolean(cursor), anchorPos: cursor?.anchor ?? null, focusPos: cursor?.head ?? null } : state);
  }
}

/** The awareness of a Lexical editor, whose caret Tiptap shows, too. */
export class LexicalAwareness extends Awareness {
  setLocalState(state) {
    const { name, color, focusing, anchorPos, focusPos } = state ?? {};
    const cursor = focusing && anchorPos && focusPos ? { anchor: anchorPos, head: focusPos } : null;
    super.setLocalState(name ? { ...state, user: { name, color }, cursor } : state);
  }
}

/** Returns the names of the others of a document. */
export const others = (awareness) =>
  [...awareness.getStates()].filter(([client, state]) => client !== awareness.clientID && state.name).map(([, state]) => state.name);
