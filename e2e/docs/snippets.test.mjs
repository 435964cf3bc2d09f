// The code blocks of README.md and of docs/guide-yjs.md, and the request that
// docs/guide-watermelondb.md shows, as they stand there, on both hosts. The longer
// snippets of docs/guide-watermelondb.md and docs/guide-projects.md run in e2e/clients
// and e2e/projects, and docs/guide-first-table.md in first-table.test.mjs.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as hocuspocus from "@hocuspocus/provider";
import * as hocuspocus2 from "hocuspocus-provider-2";
import * as hocuspocus3 from "hocuspocus-provider-3";
import { createTRPCClient, httpBatchLink } from "@trpc/client";
import { createYjsProvider } from "@y-sweet/client";
import YProvider from "y-partykit/provider";
import * as Y from "yjs";
import { WebsocketProvider } from "y-websocket";
import { doors, root, token } from "../doors.mjs";
import { Client } from "../clients/watermelon.mjs";

const { synchronize } = createRequire(import.meta.url)("@nozbe/watermelondb/sync");
const AsyncFunction = (async () => {}).constructor;

// block returns the first code block of a language after a heading of a document.
function block(file, heading, language) {
  const [, section] = readFileSync(path.join(root, file), "utf8").split(`\n${heading}\n`);
  return new RegExp("```" + language + "\n([^]*?)```").exec(section)[1];
}

// The README's app, without its imports and its URL, which the test hands to it.
const imported = /^import (?:\* as (\w+)|\{ (.+) \}) from ".+";\n/gm;
const readme = block("README.md", "## A first app", "js");
const imports = [...readme.matchAll(imported)].flatMap(([, all, some]) => all ?? some.split(", "));
const firstApp = new AsyncFunction("createTRPCClient", "httpBatchLink", "synchronize", "database", "Y", "WebsocketProvider", "url", "token",
  `${readme.replace(imported, "").replace(/^const url = .*\n/m, "")}\nreturn { customer, doc, provider: note };`);
const joinRoom = new AsyncFunction("Y", "WebsocketProvider", "url", "token",
  `${block("docs/guide-yjs.md", "## Join a room", "js")}\nreturn { doc, provider };`);
const joinSpace = new AsyncFunction("Y", "WebsocketProvider", "url", "space", "token",
  `${block("docs/guide-yjs.md", "## Spaces", "js")}\nreturn { doc, provider };`);
const hocuspocusBlock = block("docs/guide-yjs.md", "## Join with Hocuspocus' provider", "js");
const attaches = /^\w+\.attach\(\);.*\n/gm; // the lines that the guide tells users of version 2 to leave out
const joinHocuspocus = (code) => new AsyncFunction("HocuspocusProviderWebsocket", "HocuspocusProvider", "url", "freshToken",
  `${code}\nreturn { socket, note, plan };`);
const joinOthers = new AsyncFunction("YProvider", "createYjsProvider", "url", "room", "partyDoc", "sweetDoc", "freshToken", "onRefused",
  `${block("docs/guide-yjs.md", "## Join with other clients", "js")}\nreturn { party, sweet };`);
const requests = block("docs/guide-yjs.md", "## Reading and writing over HTTP", "text").trim().split("\n");
const curl = block("docs/guide-watermelondb.md", "## Pull and push", "sh");

async function until(condition, what) {
  for (const end = Date.now() + 600_000; Date.now() < end; await sleep(10)) if (await condition()) return;
  assert.fail(`never: ${what}`);
}

// paths returns the requests that a line of the guide's list stands for: with and
// without what is in brackets, and one for each alternative of a format.
function paths(line) {
  const [method, form] = line.split(/\s+/);
  const forms = form.includes("[") ? [form.replace(/\[.*\]/, ""), form.replace(/[[\]]/g, "")] : [form];
  return forms.flatMap((f) => {
    const [, head, choices] = /^(.*=)(\w+(?:\|\w+)+)$/.exec(f) ?? [];
    return choices ? choices.split("|").map((choice) => [method, head + choice]) : [[method, f]];
  });
}

test("Hocuspocus' provider 2 has no attach(), so the guide tells its users to leave two lines out", () => {
  assert.equal(hocuspocusBlock.match(attaches).length, 2);
  assert.deepEqual([hocuspocus2, hocuspocus3, hocuspocus].map((version) => typeof version.HocuspocusProvider.prototype.attach), ["undefined", "function", "function"]);
});

for (const [name, open] of Object.entries(doors)) {
  describe(`on ${name}`, { timeout: 1_200_000 }, () => {
    const door = open();
    before(() => door.start());
    after(() => door.close());

    test("the README's first app writes a row and a note that others see", async () => {
      assert.deepEqual(imports.sort(), ["WebsocketProvider", "Y", "createTRPCClient", "httpBatchLink", "synchronize"]);
      const device = new Client(door.url, token("ada"));
      const { customer, doc, provider } = await firstApp(
        createTRPCClient, httpBatchLink, synchronize, device.database, Y, WebsocketProvider, door.url, device.token);
      try {
        const other = new Client(door.url, token("grace"));
        await other.sync();
        assert.equal((await other.database.get("customers").find(customer.id))._raw.contact_name, "Ada Lovelace");
        await until(async () => {
          const note = await fetch(`${door.url}/yjs/note-${customer.id}?format=text&name=note`, { headers: { authorization: `Bearer ${token("grace")}` } });
          return note.ok && (await note.text()) === "Met her at the fair.";
        }, "the note is on the server");
      } finally {
        provider.destroy();
        doc.destroy(); // ends the timer of its awareness
      }
    });

    test("the guide's provider joins a room, and each request of its list succeeds", async () => {
      const bearer = token("ada");
      const headers = { authorization: `Bearer ${bearer}` };
      const room = `${door.url}/yjs/customer-notes-123`;
      const { doc, provider } = await joinRoom(Y, WebsocketProvider, door.url, bearer);
      try {
        await until(async () => (await fetch(`${room}?format=text&name=body`, { headers }).then((r) => (r.ok ? r.text() : ""))) === "Hello", "the text is on the server");
      } finally {
        provider.destroy();
        doc.destroy(); // ends the timer of its awareness
      }
      const { id } = await fetch(`${room}/versions`, { method: "POST", headers, body: "first" }).then((r) => r.json());
      const update = Y.encodeStateAsUpdate(doc);
      const [last, ...others] = requests.flatMap(paths).sort(([method]) => (method === "DELETE" ? -1 : 1));
      assert.equal(last[0], "DELETE");
      for (const [method, form] of [...others, last]) {
        const target = form.replace("ROOM", "customer-notes-123").replace("/ID", `/${id}`).replace(/name=$/, "name=body").replace("limit=", "limit=10");
        const body = method === "POST" && target.endsWith("123") ? update : undefined;
        const response = await fetch(door.url + target, { method, headers, body });
        const text = await response.text();
        assert.ok(response.ok, `${method} ${form}: ${response.status} ${text}`);
        if (target.endsWith("format=json")) assert.deepEqual(JSON.parse(text), { body: "Hello" });
      }
    });

    test("the guide's provider joins the document of a space", async () => {
      const bearer = token("ada", { spaces: ["", "team-x"] });
      const text = (base) => fetch(`${door.url}${base}/yjs/customer-notes-123?format=text&name=body`, { headers: { authorization: `Bearer ${bearer}` } })
        .then((response) => response.text());
      const { doc, provider } = await joinSpace(Y, WebsocketProvider, door.url, "team-x", bearer);
      try {
        await until(async () => (await text("/s/team-x")) === "Hello, team", "the text is in the space");
        assert.doesNotMatch(await text(""), /team/);
      } finally {
        provider.destroy();
        doc.destroy(); // ends the timer of its awareness
      }
    });

    for (const [version, { HocuspocusProviderWebsocket, HocuspocusProvider }, code] of [
      ["the newest version", hocuspocus, hocuspocusBlock],
      ["version 3", hocuspocus3, hocuspocusBlock],
      ["version 2 without attach()", hocuspocus2, hocuspocusBlock.replace(attaches, "")],
    ]) {
      test(`the guide's providers of Hocuspocus join two documents on one socket: ${version}`, async () => {
        const { socket, note, plan } = await joinHocuspocus(code)(HocuspocusProviderWebsocket, HocuspocusProvider, door.url, async () => token("ada"));
        try {
          for (const [provider, text] of [[note, `a note of ${version}`], [plan, `a plan of ${version}`]]) {
            await until(() => provider.synced, "the document is loaded");
            const body = provider.document.getText("hocuspocus");
            body.delete(0, body.length);
            body.insert(0, text);
            await until(() => provider.unsyncedChanges === 0, "the text is stored");
            const response = await fetch(`${door.url}/yjs/${provider.configuration.name}?format=text&name=hocuspocus`, { headers: { authorization: `Bearer ${token("ada")}` } });
            assert.equal(await response.text(), text);
          }
        } finally {
          for (const provider of [note, plan]) {
            provider.destroy();
            provider.document.destroy();
          }
          socket.destroy();
        }
      });
    }

    // y-partyserver's provider is made of that of y-partykit, and takes the same options.
    test("the guide's other providers join a room, and stop when the document is deleted", async () => {
      const bearer = token("ada");
      const [partyDoc, sweetDoc] = [new Y.Doc(), new Y.Doc()];
      const refusals = [];
      const { party, sweet } = await joinOthers(
        YProvider, createYjsProvider, door.url, "others 1", partyDoc, sweetDoc, async () => bearer, (event) => refusals.push(event.code));
      try {
        partyDoc.getText("body").insert(0, "party ");
        await until(() => sweetDoc.getText("body").toString() === "party ", "y-sweet's client has the text");
        sweetDoc.getText("body").insert(6, "sweet");
        await until(() => partyDoc.getText("body").toString() === "party sweet", "y-partykit's provider has the text");
        party.awareness.setLocalStateField("user", { name: "Ada" });
        await until(() => sweet.awareness.getStates().get(partyDoc.clientID)?.user?.name === "Ada", "y-sweet's client sees the other's presence");
        const response = await fetch(`${door.url}/yjs/others%201`, { method: "DELETE", headers: { authorization: `Bearer ${bearer}` } });
        assert.equal(response.status, 204);
        await until(() => refusals.length > 0 && !party.shouldConnect && party.ws === null, "both were refused");
        assert.deepEqual([refusals, sweet.isConnecting, sweet.websocket.readyState], [[4404], false, WebSocket.CLOSED]);
      } finally {
        for (const end of [party, sweet, partyDoc, sweetDoc]) end.destroy();
      }
    });

    test("the guide's curl request is a first pull", async () => {
      const [, header, url] = /curl -H "(.*?)" '(.*?)'/.exec(curl);
      const [key, value] = header.replace("$TOKEN", token("ada")).split(": ");
      const response = await fetch(url.replace("http://localhost:8787", door.url), { headers: { [key]: value } });
      assert.ok((await response.json()).result.data.timestamp > 0);
    });
  });
}
