// A token ends while the client kit and y-websocket are connected to the self-hosted
// server. No edit is lost.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { WebsocketProvider } from "y-websocket";
import { ticketSocket } from "../../web/client/dist/server.js";
import { subscribe } from "../../web/client/dist/subscribe.js";
import { doors, token } from "../doors.mjs";
import { until } from "../until.mjs";
import { Client } from "./watermelon.mjs";

globalThis.WebSocket ??= WebSocket;
const door = doors.wazero();
before(() => door.start());
after(() => door.close());

const lifeSeconds = 6;
const shortToken = () => token("ann", { exp: Math.floor(Date.now() / 1000) + lifeSeconds });

function provide(server, room, doc) {
  const provider = new WebsocketProvider(`${door.url.replace("http", "ws")}/yjs`, room, doc, {
    WebSocketPolyfill: ticketSocket(server), disableBc: true,
  });
  const closes = [];
  provider.on("connection-close", (event) => event && closes.push(event.code));
  provider.on("closed", ({ code }) => closes.push(`final ${code}`));
  return { provider, closes };
}

for (const [name, renewsBefore] of [["before its token ends", true], ["when onRefused is called", false]]) {
  test(`an app that gets a new token ${name} loses no edit`, async () => {
    const room = `renewed ${name}`;
    let jwt = shortToken();
    const server = { url: door.url, token: () => jwt };
    const doc = new Y.Doc(), other = new Y.Doc();
    const there = provide({ url: door.url, token: () => token("bob") }, room, other);
    let here = provide(server, room, doc);
    await until(() => here.provider.synced && there.provider.synced, () => "both are synced");
    const heard = [];
    const refused = [];
    const listen = () => subscribe(server, { onNotification: (n) => heard.push(n), onRefused: (code) => refused.push(code) });
    let stop = listen();
    await until(() => heard.length > 0, () => "hello");

    const text = doc.getText("note");
    text.insert(0, "before ");
    if (renewsBefore) jwt = token("ann");
    await until(() => here.closes.length > 0, () => "the socket of the note is closed");
    text.insert(text.length, "meanwhile ");
    if (renewsBefore) {
      assert.deepEqual(refused, []);
      await until(() => here.provider.synced && here.provider.wsconnected, () => "it reconnects by itself");
      await until(() => heard.filter((n) => n.type === "hello").length > 1, () => "hello again");
    } else {
      await until(() => here.closes.includes("final 4401") && refused.length > 0, () => "y-websocket and the subscription have closed");
      assert.deepEqual(refused, [4401]);
      jwt = token("ann");
      here.provider.destroy();
      here = provide(server, room, doc);
      stop();
      stop = listen();
    }
    text.insert(text.length, "after");
    await until(() => other.getText("note").toString().includes("after"), () => "the other has it");
    assert.equal(other.getText("note").toString(), "before meanwhile after");
    assert.equal(text.toString(), "before meanwhile after");

    heard.length = 0;
    const writer = new Client(door.url, token("bob"));
    await writer.sync();
    await writer.create("customers", { contact_name: "Anna" });
    await writer.sync();
    await until(() => heard.some((n) => n.table === "customers"), () => "the subscription goes on");
    stop();
    for (const { provider } of [here, there]) provider.destroy();
    for (const d of [doc, other]) d.destroy(); // and their awareness
  });
}
