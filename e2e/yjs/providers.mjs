// The clients of y-websocket 2, of the newest (3) and of the release candidate of the next
// (4). Each has its own yjs, and textOf returns the root text "note" of a document.
import * as Y from "yjs";
import { WebsocketProvider } from "y-websocket";
import { WebsocketProvider as WebsocketProvider2 } from "y-websocket-2";
import * as Y14 from "@y/y";
import { WebsocketProvider as WebsocketProvider4 } from "@y/websocket";

const textOf = (doc) => doc.getText("note");

export const versions = {
  2: { Provider: WebsocketProvider2, yjs: Y, textOf },
  3: { Provider: WebsocketProvider, yjs: Y, textOf },
  4: { Provider: WebsocketProvider4, yjs: Y14, textOf: (doc) => doc.get("note") },
};
