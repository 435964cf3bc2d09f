// Clients that only read. y-websocket disconnects after 30 seconds without a message from
// the server, and the test takes that time.
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { token, wazero } from "../doors.mjs";
import { until } from "../until.mjs";
import { versions } from "./providers.mjs";
import { start } from "./workerd.mjs";

const patienceMillis = 30_000 + 3_000; // y-websocket's, and how often it looks

const hosts = {
  wazero: async () => {
    const door = wazero();
    return Object.assign(await door.start(), { hibernate: async () => {} });
  },
  "workerd, where the room sleeps": () => start(),
};

describe("Y15 a client that only reads stays connected", { concurrency: true, timeout: 1_800_000 }, () => {
  for (const [name, open] of Object.entries(hosts)) {
    test(`on ${name}`, async (t) => {
      const host = await open();
      t.after(() => host.close());
      const closes = [];
      const viewers = await Promise.all(
        Object.entries(versions).map(async ([version, { Provider, yjs }]) => {
          const viewer = new Provider(`${host.url.replace("http", "ws")}/yjs`, `watched ${version}`, new yjs.Doc(), {
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
