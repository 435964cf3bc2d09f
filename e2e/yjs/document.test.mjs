// Requests over HTTP that change a document, as its clients see them, on both hosts.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import * as Y from "yjs";
import { doors } from "../doors.mjs";
import { until } from "../until.mjs";
import { asker, call, join } from "./member.mjs";
import { peer } from "./providers.mjs";

for (const [name, open] of Object.entries(doors)) {
  describe(`on ${name}`, { timeout: 1_800_000 }, () => {
    const door = open();
    const ask = asker(door);
    before(() => door.start());
    after(() => door.close());

    // y-websocket 2 connects again after every close, and sends its whole document. So does Hocuspocus' provider when
    // its app, or the loss of its connection, makes it.
    for (const client of ["y-websocket 2", "hocuspocus 2", "hocuspocus 4"]) {
      test(`Y16 ${client} does not bring a deleted document back, and a new one begins at once`, async (t) => {
        const room = `deleted ${client}`;
        const path = encodeURIComponent(room);
        const doc = new Y.Doc();
        doc.getText("note").insert(0, "deleted");
        const late = peer(door, room, { client, doc });
        t.after(() => late.close());
        const reasons = () => late.events.map(([, , reason]) => reason).filter((reason) => reason);
        const refused = async (times) => {
          for (const all = reasons().length + times; reasons().length < all; ) {
            const before = reasons().length;
            if (before > 0) await late.again?.();
            await until(() => reasons().length > before, () => `closed again: ${JSON.stringify(late.events)}`);
          }
        };
        const state = async () => (await call(door, "GET", `${path}?format=text&name=note`)).text();
        await until(async () => (await state()) === "deleted", () => "written");
        await ask(204, "DELETE", path);
        await refused(3);
        for (const reason of reasons()) assert.match(reason, /deleted/);
        await ask(404, "GET", path);

        const fresh = await join(door, room);
        await fresh.edit((doc) => doc.getText("note").insert(0, "new"));
        await refused(2);
        assert.equal(await state(), "new");
        assert.equal(fresh.doc.getText("note").toString(), "new");
        const { text } = await ask(409, "POST", path, Y.encodeStateAsUpdate(doc));
        assert.match(text, /"CONFLICT".*deleted/);
        fresh.ws.close();
      });
    }

    test("an XML document is shown as text and as a tree", async () => {
      const a = await join(door, "xml");
      await a.edit((doc) => {
        const paragraphs = ["one", "two"].map((text) => {
          const p = new Y.XmlElement("paragraph");
          p.insert(0, [new Y.XmlText(text)]);
          return p;
        });
        doc.getXmlFragment("default").insert(0, paragraphs);
        paragraphs[1].get(0).format(0, 1, { bold: true });
      });
      const paragraph = (...children) => ({ name: "paragraph", attributes: {}, children });
      assert.equal((await ask(200, "GET", "xml?format=text&name=default")).text, "one\ntwo");
      assert.deepEqual(JSON.parse((await ask(200, "GET", "xml?format=tree")).text), {
        default: { children: [paragraph("one"), paragraph({ insert: "t", attributes: { bold: true } }, "wo")] },
      });
      assert.deepEqual(JSON.parse((await ask(200, "GET", "xml?format=json")).text), {
        default: "<paragraph>one</paragraph><paragraph><bold>t</bold>wo</paragraph>",
      });
      assert.match((await ask(404, "GET", "xml?format=text&name=other")).text, /no root/);
      assert.match((await ask(404, "GET", "absent?format=text&name=default")).text, /no such document/);
      await ask(400, "GET", "xml?format=html");
      a.ws.close();
    });

    test("a restore sends the difference, and nothing if there is none", async () => {
      const a = await join(door, "restored", { doc: Object.assign(new Y.Doc(), { clientID: 2 ** 53 - 1 }) });
      const text = a.doc.getText("note");
      await a.edit(() => {
        text.insert(0, "x".repeat(1_000_000));
        text.format(10, 20, { bold: true });
        a.doc.getMap("map").set("k", new Y.Map([["nested", 1]]));
      });
      const { id } = JSON.parse((await ask(201, "POST", "restored/versions", "first")).text);
      const shown = () => JSON.stringify([text.toDelta(), a.doc.getMap("map").toJSON()]);
      const want = shown();
      const restore = async () => {
        const heard = a.heard.length;
        const { etag } = await ask(204, "POST", `restored/versions/${id}/restore`);
        await a.sync();
        assert.equal(shown(), want);
        const updates = a.heard.slice(heard).filter(({ kind }) => kind === "update");
        return { etag, bytes: updates.reduce((n, { body }) => n + body.length, 0) };
      };
      const { etag } = await restore();
      for (let round = 0; round < 3; round++) {
        await a.edit(() => {
          text.delete(500_000, 10);
          text.format(15, 2, { bold: null, color: "red" });
          a.doc.getMap("map").get("k").set("nested", round + 2);
        });
        const once = await restore();
        assert.ok(once.bytes > 0 && once.bytes < 500, `${once.bytes} bytes`);
        assert.deepEqual(await restore(), { etag: once.etag, bytes: 0 });
        assert.notEqual(once.etag, etag);
      }
      a.ws.close();
    });
  });
}
