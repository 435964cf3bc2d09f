// The content that clients delete from a large document goes away. The rest
// is byte for byte that of yjs.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import * as Y from "yjs";
import { onWorkerd, token, wazero } from "../doors.mjs";
import { deletions, post } from "./deletions.mjs";
import { until } from "../until.mjs";
import { start } from "./workerd.mjs";

const settings = { YJS_COPY_MILLIS: "100" };

// copyOf reads the database's copy of a room.
async function copyOf(db, room) {
  const first = await db.prepare("SELECT YjsState AS s, updated_at AS v FROM YjsRooms WHERE RoomId = ?").bind(room).first();
  if (!first) return Buffer.alloc(0);
  const { results } = await db.prepare("SELECT YjsState AS s FROM YjsRoomParts WHERE RoomId = ? AND version = ? ORDER BY part").bind(room, first.v).all();
  return Buffer.from([first, ...results].map(({ s }) => s).join(""), "base64");
}

const hosts = {
  async workerd() {
    const host = await start(settings);
    return { ...host, restart: host.hibernate, copy: (room) => copyOf(host.db, room) };
  },
  async wazero() {
    const door = wazero(settings);
    const { url } = await door.start();
    return { url, restart: async () => (await door.stop(), await door.start()), close: () => door.close() };
  },
};

for (const [name, open] of onWorkerd(hosts)) {
  describe(`on ${name}`, { timeout: 1_800_000 }, () => {
    let host;
    before(async () => (host = await open()));
    after(() => host.close());
    const get = (path) => fetch(`${host.url}/yjs/${path}`, { headers: { authorization: `Bearer ${token("reader")}` } });
    const state = async (room) => Buffer.from(await (await get(room)).arrayBuffer());

    for (const [n, [what, edits]] of Object.entries(deletions).entries()) {
      test(what, async () => {
        const room = `deletions-${n}`;
        const doc = new Y.Doc();
        let update;
        doc.on("update", (u) => (update = u));
        for (const edit of edits) {
          doc.transact(() => edit(doc));
          await post(host, room, update);
        }
        const want = Y.encodeStateAsUpdate(doc);
        const last = {};
        const holds = (where, read) =>
          until(async () => (last[where] = await read(room)).equals(want), () => `${want.length} bytes in ${where}, which has ${last[where].length}`);
        await holds("the room", state);
        if (host.copy) await holds("the database", host.copy);
        await host.restart(room);
        assert.ok((await state(room)).equals(want), "after a restart");
        const fits = Y.decodeUpdate(want).structs.length < 100_000; // and is integrated
        assert.equal((await get(`${room}?format=json`)).status, fits ? 200 : 413);
      });
    }
  });
}
