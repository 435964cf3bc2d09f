// A room with the presence of more than a hundred clients. A y-websocket client sends the
// presence that it gets back. The room must not close it for that.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { doors } from "../doors.mjs";
import { until } from "../until.mjs";
import { join } from "./member.mjs";
import { eachDialect, peer } from "./providers.mjs";

const CROWD = 120;

for (const [host, open] of Object.entries(doors)) {
  describe(`on ${host}`, { timeout: 1_800_000 }, () => {
    const door = open();
    before(() => door.start());
    after(() => door.close());

    test("Y12 Y13 a client of each dialect joins a crowd, sees everybody, stays connected and is seen", async () => {
      const members = [];
      for (let i = 0; i < CROWD; i++) {
        const member = await join(door, "crowd");
        member.announce({ user: `u${i}` });
        members.push(member);
      }
      for (const client of eachDialect) {
        const late = peer(door, "crowd", { client });
        try {
          late.awareness.setLocalState({ user: "late" });
          await until(() => late.present().length === CROWD + 1 || late.events.length > 0, () => `${late.present().length} seen`);
          // The server responds after it has read what the client sent back.
          late.insert(0, client);
          await until(() => members[0].doc.getText("note").toString().includes(client) || late.events.length > 0, () => "the edit");
          assert.deepEqual(late.events, []);
          assert.equal(late.connected, true);
          assert.equal(members[0].present.get(late.doc.clientID)?.user, "late");
        } finally {
          late.close();
        }
        await until(() => !members[0].present.has(late.doc.clientID), () => "its presence gone");
      }
      for (const member of members) member.die();
    });
  });
}
