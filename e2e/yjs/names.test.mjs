// Room names that clients can send. y-websocket does not encode them, and Hocuspocus' provider sends them in its messages.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { doors, token } from "../doors.mjs";
import { until } from "../until.mjs";
import { eachDialect, join } from "./providers.mjs";

const names = ["customer-notes-123", "two words", "a/b", "ä ö ½ 😀", "a+b&c=d", "~'(*)!@:,;$", "versions", "%41-is-A"];
// Go's HTTP server itself rejects a % that begins no escape.
const stray = ["100%", "50% of 20%"];

// decoded returns the room that y-websocket opens by a name.
const decoded = (name) => (name === "%41-is-A" ? "A-is-A" : name);

for (const [host, open] of Object.entries(doors)) {
  describe(`on ${host}`, { timeout: 1_200_000 }, () => {
    const door = open();
    before(() => door.start());
    after(() => door.close());

    for (const name of host === "wazero" ? names : [...names, ...stray]) {
      test(`two clients meet in a room called ${name}`, async () => {
        const joined = [];
        for (const client of eachDialect) joined.push(await join(door, client.startsWith("hocuspocus") ? decoded(name) : name, { client }));
        const [a, b] = joined;
        a.insert(0, `in ${name}`);
        await until(() => b.toString() === `in ${name}`, () => b.toString());
        for (const p of joined) p.close();

        const answer = await fetch(`${door.url}/yjs/${encodeURIComponent(decoded(name))}?format=text&name=note`, {
          headers: { authorization: `Bearer ${token("someone")}` },
        });
        assert.equal(await answer.text(), `in ${name}`);
      });
    }
  });
}
