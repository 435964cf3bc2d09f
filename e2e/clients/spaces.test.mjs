// Real clients in spaces: WatermelonDB with both adapters by the snippet of
// docs/guide-watermelondb.md, y-websocket, and the client kit's sockets. On workerd, and with
// EVERY_HOST on both hosts.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { createTRPCClient, httpBatchLink } from "@trpc/client";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { WebsocketProvider } from "y-websocket";
import { baseUrl, ClosedError, socketUrl, ticketSocket } from "../../web/client/dist/server.js";
import { subscribe } from "../../web/client/dist/subscribe.js";
import { doors, onWorkerd, root, token } from "../doors.mjs";
import { until } from "../until.mjs";
import { sqlite } from "./sqlite.mjs";
import { Client, loki } from "./watermelon.mjs";

globalThis.WebSocket ??= WebSocket;

const [, code] = /\n## Spaces\n[^]*?```js\n([^]*?)```/.exec(readFileSync(path.join(root, "docs/guide-watermelondb.md"), "utf8"));
const snippet = new Function("createTRPCClient", "httpBatchLink", "databases", "openDatabase", "url", `${code}\nreturn enter;`);

const adapters = { loki, sqlite };
const names = async (client) => (await client.rows("customers")).map((row) => row.contact_name).sort();

// provide joins a room of a space, and collects the codes of final closes.
function provide(server, room) {
  const doc = new Y.Doc();
  const provider = new WebsocketProvider(socketUrl(server, "/yjs"), room, doc, { WebSocketPolyfill: ticketSocket(server), disableBc: true });
  const closed = [];
  provider.on("closed", ({ code, reason }) => closed.push(new ClosedError(code, reason)));
  return { doc, provider, closed, text: doc.getText("note"), end: () => (provider.destroy(), doc.destroy()) };
}

for (const [name, open] of onWorkerd(doors)) {
  describe(`spaces on ${name}`, { timeout: 1_200_000 }, () => {
    const door = open();
    before(() => door.start());
    after(() => door.close());

    // inSpace returns the server as a subject sees it in a space.
    const inSpace = (space, sub, claims = { spaces: ["", "one", "two", "doomed"] }) => {
      const jwt = token(sub, claims);
      return { url: door.url, space, token: () => jwt };
    };
    const client = (server, options) => new Client(baseUrl(server), server.token(), options);

    // deviceOf returns what the guide's enter() returns, as Clients of one device.
    const deviceOf = (make) => {
      const databases = new Map();
      const enter = snippet(createTRPCClient, httpBatchLink, databases, () => new Client("", "", { adapter: make }).database, door.url);
      return (sub, space) => Object.assign(client(inSpace(space, sub)), enter(sub, inSpace(space, sub).token(), space));
    };

    for (const [adapter, make] of Object.entries(adapters)) {
      test(`a device with ${adapter} has a database for each space, and none shows the rows of another`, async () => {
        const spaces = ["", "one", "two"];
        const enter = deviceOf(make);
        const devices = spaces.map((space) => enter("ann", space));
        for (const [i, device] of devices.entries()) {
          await device.create("customers", { contact_name: `${adapter} in ${spaces[i]}` });
          await device.sync();
        }
        for (const [i, space] of spaces.entries()) {
          await devices[i].sync();
          const other = client(inSpace(space, "bob"), { adapter: make });
          await other.sync();
          assert.deepEqual(await other.everything(), await devices[i].everything());
          const own = (await names(other)).filter((title) => title.startsWith(adapter));
          assert.deepEqual(own, [`${adapter} in ${space}`]);
        }
      });

      test(`who signs in on a device with ${adapter} neither sees nor pushes the unsynced rows of another`, async () => {
        const enter = deviceOf(make);
        const signIn = (sub) => enter(sub, "one");
        await signIn("ann").sync();
        await signIn("ann").create("customers", { contact_name: `Ann's with ${adapter}` });
        const bob = signIn("bob");
        await bob.sync();
        assert.ok(!(await names(bob)).includes(`Ann's with ${adapter}`));
        assert.equal(bob.pushed, undefined, "Bob has nothing to push");
        const again = signIn("ann");
        await again.sync();
        assert.ok(again.pushed);
        await bob.sync();
        assert.ok((await names(bob)).includes(`Ann's with ${adapter}`));
      });
    }

    // move imports the rows of the root that have these ids into a space, as docs/guide-watermelondb.md says.
    async function move(ids, space) {
      const headers = { authorization: `Bearer ${token("operator", { scope: "sync:admin", spaces: ["", space] })}` };
      for (let cursor = ""; cursor !== null; ) {
        const page = await fetch(`${door.url}/export${cursor && `?cursor=${encodeURIComponent(cursor)}`}`, { headers });
        const lines = (await page.text()).split("\n").filter((line) => /^\{"(format|page|next)"/.test(line) || (line && ids.includes(JSON.parse(line).value?.id)));
        cursor = JSON.parse(lines.at(-1)).next;
        const imported = await fetch(`${door.url}/s/${space}/import`, { method: "POST", headers, body: `${lines.join("\n")}\n` });
        assert.equal(imported.status, 200, await imported.text());
      }
    }

    test("a database of the root goes on in a space that has its rows, and keeps and pushes what it had not pushed", async () => {
      const device = client(inSpace("", "ann"));
      for (const id of ["moved", "edited", "left"]) await device.create("customers", { id, contact_name: id });
      await device.sync();
      await device.update("customers", "edited", { contact_name: "edited offline" });
      await device.create("customers", { id: "new", contact_name: "created offline" });
      await move(["moved", "edited"], "moved");

      const there = inSpace("moved", "ann", { spaces: ["moved"] });
      const goesOn = Object.assign(client(there), { database: device.database });
      const begins = client(there);
      for (const each of [begins, goesOn, begins]) await each.sync();
      assert.deepEqual(await names(begins), ["created offline", "edited offline", "moved"]);
      await goesOn.sync();
      assert.deepEqual(await goesOn.everything(), await begins.everything());
    });

    test("y-websocket joins the document of a space, which is not the one of that name elsewhere", async () => {
      const [ann, bob, root, two] = [["one", "ann"], ["one", "bob"], ["", "cy"], ["two", "cy"]].map(([space, sub]) => provide(inSpace(space, sub), "a note/ü"));
      try {
        ann.provider.awareness.setLocalStateField("user", "ann");
        ann.text.insert(0, "of the team");
        await until(() => bob.text.toString() === "of the team", "Bob has the text");
        await until(() => [...bob.provider.awareness.getStates().values()].some(({ user }) => user === "ann"), "Bob sees Ann");
        await until(() => root.provider.synced && two.provider.synced, "the others are synced");
        for (const elsewhere of [root, two]) {
          elsewhere.text.insert(0, "elsewhere");
          assert.equal(elsewhere.text.toString(), "elsewhere");
          assert.equal(elsewhere.provider.awareness.getStates().size, 1);
        }
        const { url } = inSpace("one", "ann");
        const headers = { authorization: `Bearer ${inSpace("one", "ann").token()}` };
        const state = async () => (await fetch(`${url}/s/one/yjs/${encodeURIComponent("a note/ü")}?format=text&name=note`, { headers })).text();
        await until(async () => (await state()) === "of the team", "the server has the text");
      } finally {
        for (const peer of [ann, bob, root, two]) peer.end();
      }
    });

    test("a deleted space is told in plain words, and a device that pulls it again keeps what it had not pushed", async () => {
      const server = inSpace("doomed", "ann");
      const device = client(server);
      await device.create("customers", { contact_name: "pushed" });
      await device.sync();
      await device.create("customers", { contact_name: "not yet pushed" });
      const told = [];
      let connected = false;
      const stop = subscribe(server, { onNotification: () => (connected = true), onRefused: (code, reason) => told.push(new ClosedError(code, reason)) });
      const note = provide(server, "note");
      await until(() => connected && note.provider.synced, "both are connected");
      const operator = token("operator", { spaces: { doomed: "spaces:admin" } });
      const deletion = await fetch(`${door.url}/s/doomed`, { method: "DELETE", headers: { authorization: `Bearer ${operator}` } });
      assert.equal(deletion.status, 204);
      await until(() => told.length > 0 && note.closed.length > 0, "both are told");
      stop();
      note.end();
      assert.deepEqual([told[0].code, note.closed[0].code], [4404, 4404]);
      assert.match(told[0].message, /Somebody deleted this space/);

      await device.sync();
      const other = client(inSpace("doomed", "bob"));
      await other.sync();
      assert.deepEqual(await names(other), ["not yet pushed"]);
      assert.deepEqual(await device.everything(), await other.everything());
    });

    test("a socket to a space that the token does not include is told so, and not opened again", async () => {
      const server = inSpace("one", "ann", { spaces: ["two"] });
      const told = [];
      const stop = subscribe(server, { onNotification() {}, onRefused: (code, reason) => told.push(new ClosedError(code, reason)) });
      const note = provide(server, "note");
      await until(() => told.length > 0 && note.closed.length > 0, "both are told");
      stop();
      note.end();
      for (const { code, message } of [told[0], note.closed[0]]) assert.deepEqual([code, message], [4403, "Your sign-in does not include this space."]);
    });
  });
}
