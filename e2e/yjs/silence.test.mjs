// Clients that only read. Those of both dialects disconnect after 30 seconds without a message from
// the server, and the test takes that time.
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { token, wazero } from "../doors.mjs";
import { everyClient, peer } from "./providers.mjs";
import { start } from "./workerd.mjs";

const patienceMillis = 30_000 + 3_000; // the clients', and how often they look

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
      const viewers = await Promise.all(everyClient.map(async (client) => {
        const room = `watched ${client}`;
        const viewer = peer(host, room, { client, connect: false, jwt: token("viewer", { scope: "yjs:read" }) });
        viewer.awareness.setLocalState(null);
        viewer.connect();
        await viewer.synced();
        await host.hibernate(room);
        return viewer;
      }));
      t.after(() => viewers.forEach((viewer) => viewer.close()));
      await sleep(patienceMillis + 3_000);
      for (const [n, viewer] of viewers.entries()) {
        assert.deepEqual(viewer.events, [], everyClient[n]);
        assert.ok(viewer.connected, everyClient[n]);
      }
    });
  }
});
