// Room names that y-websocket can send. It does not encode them.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { WebsocketProvider } from "y-websocket";
import { doors, token } from "../doors.mjs";

const names = ["customer-notes-123", "two words", "a/b", "ä ö ½ 😀", "a+b&c=d", "~'(*)!@:,;$", "versions", "%41-is-A"];
// Go's HTTP server itself rejects a % that begins no escape.
const stray = ["100%", "50% of 20%"];

for (const [host, open] of Object.entries(doors)) {
  describe(`on ${host}`, { timeout: 1_200_000 }, () => {
    const door = open();
    before(() => door.start());
    after(() => door.close());

    for (const name of host === "wazero" ? names : [...names, ...stray]) {
      test(`two clients meet in a room called ${name}`, async () => {
        const params = { token: token("someone") };
        const join = async () => {
          const doc = new Y.Doc();
          const provider = new WebsocketProvider(`${door.url.replace("http", "ws")}/yjs`, name, doc, {
            WebSocketPolyfill: WebSocket, disableBc: true, params,
          });
          await new Promise((resolve) => provider.once("sync", resolve));
          return { text: doc.getText("note"), provider };
        };
        const a = await join();
        a.text.insert(0, `in ${name}`);
        const b = await join();
        const heard = () => (b.text.toString() ? true : new Promise((resolve) => b.text.observe(() => resolve(true))));
        await heard();
        assert.equal(b.text.toString(), `in ${name}`);
        for (const p of [a, b]) p.provider.destroy(), p.provider.awareness.destroy();

        const decoded = name === "%41-is-A" ? "A-is-A" : name;
        const answer = await fetch(`${door.url}/yjs/${encodeURIComponent(decoded)}?format=text&name=note`, {
          headers: { authorization: `Bearer ${params.token}` },
        });
        assert.equal(await answer.text(), `in ${name}`);
      });
    }
  });
}
