// A room with the presence of more than a hundred clients. A y-websocket client sends the
// presence that it gets back. The room must not close it for that.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { WebsocketProvider } from "y-websocket";
import { doors, token } from "../doors.mjs";
import { until } from "../until.mjs";
import { join } from "./member.mjs";

const CROWD = 120;

for (const [host, open] of Object.entries(doors)) {
  describe(`on ${host}`, { timeout: 1_800_000 }, () => {
    const door = open();
    before(() => door.start());
    after(() => door.close());

    test("Y12 Y13 a client joins a crowd, sees everybody, stays connected and is seen", async () => {
      const members = [];
      for (let i = 0; i < CROWD; i++) {
        const member = await join(door, "crowd");
        member.announce({ user: `u${i}` });
        members.push(member);
      }
      const doc = new Y.Doc();
      const closes = [];
      const provider = new WebsocketProvider(`${door.url.replace("http", "ws")}/yjs`, "crowd", doc, {
        WebSocketPolyfill: WebSocket, disableBc: true, params: { token: token("late") },
      });
      try {
        provider.on("connection-close", (event) => closes.push([event?.code, event?.reason]));
        provider.awareness.setLocalState({ user: "late" });
        const seen = () => [...provider.awareness.getStates().values()].filter((state) => state.user).length;
        await until(() => seen() === CROWD + 1 || closes.length > 0, () => `${seen()} seen`);
        // The server responds after it has read what the client sent back.
        doc.getText("note").insert(0, "here");
        await until(() => members[0].doc.getText("note").toString() === "here" || closes.length > 0, () => "the edit");
        assert.deepEqual(closes, []);
        assert.equal(provider.wsconnected, true);
        assert.equal(members[0].present.get(doc.clientID)?.user, "late");
      } finally {
        provider.destroy();
        provider.awareness.destroy();
        for (const member of members) member.die();
      }
    });
  });
}
