// A document at its limit, on a host with its default memory. Clients join, read,
// store, restore and delete it, also after a restart. The other rooms go on undisturbed.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import * as Y from "yjs";
import { doors, onWorkerd, root, token } from "../doors.mjs";
import { until } from "../until.mjs";
import { asker, call, join } from "./member.mjs";
import { clients, everyClient, peer } from "./providers.mjs";

const limit = Number(/^LIMIT_YJS_DOCUMENT_BYTES = "(\d+)"/m.exec(readFileSync(path.join(root, "wrangler.toml"), "utf8"))[1]);

// great returns a document of long values and a text, almost at the limit, and its updates.
function great() {
  const doc = new Y.Doc();
  const parts = [];
  doc.on("update", (update) => parts.push(update));
  const part = (limit - 50_000) / 6;
  for (let i = 0; i < 3; i++) {
    doc.getMap("map").set(`k${i}`, `${i}`.repeat(part));
    doc.getText("note").insert(i * 10, "0123456789".repeat(part / 10));
  }
  return { doc, parts };
}

for (const [name, open] of onWorkerd(doors)) {
  describe(`on ${name}`, { timeout: 1_800_000 }, () => {
    const door = open();
    const ask = asker(door);
    before(() => door.start());
    after(() => door.close());

    // joined opens every client. Each must be synced only when it has all of doc.
    const joined = (t, doc) => {
      const sv = Buffer.from(Y.encodeStateVector(doc));
      return Promise.all(everyClient.map(async (client) => {
        const p = peer(door, "great", { client });
        t.after(() => p.close());
        const has = await new Promise((resolve) => {
          p.onSynced(() => resolve(Buffer.from(clients[client].yjs.encodeStateVector(p.doc))));
        });
        assert.deepEqual(has, sv, `${client} is synchronized`);
        assert.deepEqual(p.events, []);
        return p;
      }));
    };

    // neighbour types in another room until stop() is called. The room must store all of it,
    // and no instance may end.
    const neighbour = async (t) => {
      const member = await join(door, "neighbour");
      let going = true;
      const typing = (async () => {
        for (let i = 0; going; i++) await member.edit((doc) => doc.getMap("map").set("n", i));
      })();
      typing.catch(() => {}); // stop says it
      const stop = async () => {
        going = false;
        await typing;
        member.die();
        assert.doesNotMatch(door.log, /instance (ended|failed)/);
      };
      t.after(() => ((going = false), member.die()));
      return stop;
    };

    test("Y9 a document at the limit can be joined, read, stored, restored and deleted", async (t) => {
      const { doc, parts } = great();
      const length = Y.encodeStateAsUpdate(doc).length;
      assert.ok(length > limit - 60_000 && length < limit, `${length} bytes`);
      let stop = await neighbour(t);
      for (const part of parts) await ask(204, "POST", "great", part);
      const { id } = JSON.parse((await ask(201, "POST", "great/versions")).bytes);
      const writer = await join(door, "great");
      assert.match(writer.kinds(), /^step1,(update,)+step2$/);
      const had = Buffer.from(Y.encodeStateVector(writer.doc)).toString("base64url");
      await writer.edit((doc) => doc.getText("note").delete(1000, 10_000));
      await writer.edit((doc) => doc.getText("note").insert(0, "edited"));
      await ask(204, "POST", `great/versions/${id}/restore`);
      await writer.sync();
      assert.equal(writer.doc.getText("note").toString(), doc.getText("note").toString());
      await stop();

      await door.stop();
      await door.start();
      stop = await neighbour(t);
      // While there is too little memory, the host returns 503 with Retry-After.
      const get = async (query) => {
        for (;;) {
          const answer = await call(door, "GET", `great${query}`);
          const bytes = Buffer.from(await answer.arrayBuffer());
          if (answer.status !== 503) return assert.equal(answer.status, 200), bytes;
        }
      };
      const [all, whole, diff] = await Promise.all([joined(t, writer.doc), get(""), get(`?sv=${had}`)]);
      assert.equal(Buffer.compare(whole, Y.encodeStateAsUpdate(writer.doc)), 0);
      assert.ok(diff.length < 20_000, `${diff.length} bytes`);
      const late = await join(door, "great");
      const heard = late.heard.length;
      const { etag } = await ask(204, "POST", `great/versions/${id}/restore`);
      for (const part of parts) assert.equal((await ask(204, "POST", "great", part)).etag, etag);
      await late.sync();
      assert.equal(late.kinds(heard).replaceAll("awareness,", ""), "step1,step2");
      assert.equal((await ask(200, "GET", "great?format=text&name=note")).bytes.length, doc.getText("note").length);
      await ask(204, "DELETE", "great");
      for (const p of all) assert.match((await p.happened())[2], /deleted/);
      await until(() => late.closed?.code === 4404, () => `closed: ${late.closed}`);
      await ask(404, "GET", "great");
      await stop();
    });
  });
}
