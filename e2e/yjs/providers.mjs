// The clients of the newest y-websocket, of the one before and of the release candidate
// of the next, with the yjs of each.
import * as Y from "yjs";
import { WebsocketProvider } from "y-websocket";
import { WebsocketProvider as WebsocketProvider2 } from "y-websocket-2";
import * as Y14 from "@y/y";
import { WebsocketProvider as WebsocketProvider4 } from "@y/websocket";

export const versions = {
  2: { Provider: WebsocketProvider2, yjs: Y },
  3: { Provider: WebsocketProvider, yjs: Y },
  4: { Provider: WebsocketProvider4, yjs: Y14 },
};
