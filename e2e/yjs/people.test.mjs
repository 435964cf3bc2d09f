// Who has a document open, and what a version was, over HTTP alone, with real providers of both dialects on both hosts.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { doors, token } from "../doors.mjs";
import { until } from "../until.mjs";
import { join } from "./providers.mjs";

// call sends a request with a token, and returns {status, text}.
async function call(door, method, path, jwt, body) {
  const response = await fetch(door.url + path, { method, body, headers: { authorization: `Bearer ${jwt}` } });
  return { status: response.status, text: await response.text() };
}

const nobody = { sockets: 0, people: [] };
const everywhere = { spaces: ["", "*"] };
const operator = token("operator", { ...everywhere, scope: "yjs:read" });
const bySubject = (a, b) => a.subject.localeCompare(b.subject);

for (const [name, host] of Object.entries(doors)) {
  describe(`on ${name}`, { timeout: 1_200_000 }, () => {
    const door = host({ YJS_COPY_MILLIS: "100" });
    before(() => door.start());
    after(() => door.close());

    const presence = async (path) => {
      const { status, text } = await call(door, "GET", `${path}/presence`, operator);
      assert.equal(status, 200, text);
      return JSON.parse(text);
    };

    for (const at of ["", "/s/team"]) {
      test(`who is present in a room of ${at || "the root"}, of both dialects, and nobody when they have left`, async () => {
        const path = `${at}/yjs/people%2F2026`;
        assert.deepEqual(await presence(path), nobody);
        assert.deepEqual(await presence(`${at}/yjs/never`), nobody);
        const open = (sub, client, claims) => join(door, "people/2026", { at, client, jwt: token(sub, { ...everywhere, ...claims }) });
        const all = [
          await open("ann", "y-websocket 3"), await open("bob", "y-websocket 3", { scope: "yjs:read" }), await open("ann", "hocuspocus 4"),
        ];
        const states = [{ user: { name: "Ann ½", color: "#f00" } }, { user: { name: "Bob" }, cursor: null }, { user: { name: "Ann's phone" } }];
        for (const [i, p] of all.entries()) p.awareness.setLocalState(states[i]);
        let now;
        const shown = () => now.people.flatMap((p) => p.states).filter((s) => s.user).length;
        await until(async () => ((now = await presence(path)), shown() === 3), () => JSON.stringify(now));
        const [ann, bob] = now.people.sort(bySubject);
        assert.deepEqual([now.sockets, now.people.length, now.more], [3, 2, undefined]);
        assert.deepEqual([ann.subject, ann.sockets, ann.writes], ["ann", 2, true]);
        assert.deepEqual(ann.states.map((s) => JSON.stringify(s)).sort(), [states[0], states[2]].map((s) => JSON.stringify(s)).sort());
        assert.deepEqual(bob, { subject: "bob", sockets: 1, writes: false, states: [states[1]] });

        assert.equal((await call(door, "GET", path, operator)).status, 404, "a room in which nobody wrote has no document");
        all[1].close();
        await until(async () => ((now = await presence(path)), now.sockets === 2), () => JSON.stringify(now));
        assert.deepEqual(now.people.map((p) => p.subject), ["ann"]);
        all[0].close(), all[2].close();
        await until(async () => ((now = await presence(path)), now.sockets === 0), () => JSON.stringify(now));
        assert.deepEqual(now, nobody);
      });

      test(`yesterday's text comes back in ${at || "the root"}, by HTTP alone`, async () => {
        const room = `${at}/yjs/minutes`;
        const jwt = token("editor", everywhere);
        const ask = async (method, path, body) => {
          const { status, text } = await call(door, method, room + path, jwt, body);
          assert.ok(status < 300, `${method} ${path}: ${status} ${text}`);
          return text;
        };
        const textOf = (path) => ask("GET", `${path}?format=text&name=note`);
        const writer = await join(door, "minutes", { at, jwt });
        const write = async (at, text) => {
          writer.insert(at, text);
          await until(async () => (await call(door, "GET", `${room}?format=text&name=note`, jwt)).text === writer.toString(), "stored");
        };
        await write(0, "All agreed.");
        await ask("POST", "/versions", "yesterday");
        await write(0, "Nobody: ");
        writer.close();

        const { versions: [version] } = JSON.parse(await ask("GET", "/versions"));
        assert.equal(version.name, "yesterday");
        assert.deepEqual([await textOf(`/versions/${version.id}`), await textOf("")], ["All agreed.", "Nobody: All agreed."]);
        assert.deepEqual(JSON.parse(await ask("GET", `/versions/${version.id}?format=json`)), { note: "All agreed." });
        await ask("POST", `/versions/${version.id}/restore`);
        assert.equal(await textOf(""), "All agreed.");

        let rooms;
        const listed = async () => ({ rooms } = JSON.parse((await call(door, "GET", `${at}/yjs/?prefix=minutes`, jwt)).text));
        await until(async () => ((await listed()), rooms.length === 1 && rooms[0].bytes > 0), () => JSON.stringify(rooms));
      });
    }

    test("presence and versions need yjs:read, and a token whose rooms include the document", async () => {
      const jwt = token("editor", everywhere);
      const p = await join(door, "private", { jwt });
      p.insert(0, "secret");
      await until(async () => (await call(door, "GET", "/yjs/private", jwt)).status === 200, "stored");
      const { id } = JSON.parse((await call(door, "POST", "/yjs/private/versions", jwt)).text);
      for (const path of ["/yjs/private/presence", `/yjs/private/versions/${id}?format=text&name=note`]) {
        assert.equal((await call(door, "GET", path, token("r", { scope: "yjs:read", rooms: ["private"] }))).status, 200);
        for (const claims of [{ scope: "yjs:write sync:admin" }, { scope: "yjs:read", rooms: ["other"] }]) {
          const { status, text } = await call(door, "GET", path, token("eve", claims));
          assert.equal(status, 403, text);
          assert.doesNotMatch(text, /editor|secret/);
        }
        assert.equal((await call(door, "GET", path, "none")).status, 401);
        assert.equal((await call(door, "GET", `/s/team${path}`, token("eve", { spaces: ["other"] }))).status, 403);
      }
      p.close();
    });
  });
}
