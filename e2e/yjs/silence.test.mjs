// Clients that only watch: y-websocket leaves a server from which it heard nothing
// for 30 seconds. The test takes that time, as its clients do.
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import * as Y from "yjs";
import { WebsocketProvider } from "y-websocket";
import { WebsocketProvider as WebsocketProvider2 } from "y-websocket-2";
import * as Y14 from "@y/y";
import { WebsocketProvider as WebsocketProvider4 } from "@y/websocket";
import { token, wazero } from "../doors.mjs";
import { until } from "./member.mjs";
import { start } from "./workerd.mjs";

const versions = { 2: [WebsocketProvider2, Y.Doc], 3: [WebsocketProvider, Y.Doc], 4: [WebsocketProvider4, Y14.Doc] };
const patienceMillis = 30_000 + 3_000; // y-websocket's, and how often it looks

const hosts = {
  wazero: async () => {
    const door = wazero();
    return Object.assign(await door.start(), { hibernate: async () => {} });
  },
  "workerd, where the room sleeps": () => start(),
};

describe("who only watches stays connected", { concurrency: true, timeout: 600_000 }, () => {
  for (const [name, open] of Object.entries(hosts)) {
    test(`on ${name}`, async (t) => {
      const host = await open();
      t.after(() => host.close());
      const closes = [];
      const viewers = await Promise.all(
        Object.entries(versions).map(async ([version, [Provider, Doc]]) => {
          const viewer = new Provider(`${host.url.replace("http", "ws")}/yjs`, `watched ${version}`, new Doc(), {
            WebSocketPolyfill: WebSocket, disableBc: true, connect: false, params: { token: token("viewer", { scope: "yjs:read" }) },
          });
          viewer.awareness.setLocalState(null);
          viewer.on("connection-close", (event) => closes.push([version, event?.code]));
          viewer.connect();
          await until(() => viewer.synced, () => `synced; closed with ${closes}`);
          await host.hibernate(`watched ${version}`);
          return viewer;
        }),
      );
      t.after(() => viewers.forEach((viewer) => (viewer.destroy(), viewer.awareness.destroy())));
      await sleep(patienceMillis + 3_000);
      assert.deepEqual(closes, []);
      for (const viewer of viewers) assert.ok(viewer.wsconnected);
    });
  }
});
