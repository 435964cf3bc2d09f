// The token of a WebSocket after the upgrade, on both hosts: its end, its revocation, and
// the presence of its subject.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { WebSocket } from "ws";
import { doors, token } from "../doors.mjs";

const seconds = () => Math.floor(Date.now() / 1000);

// open opens a WebSocket by a token. until() waits for a message, and closed() for the
// close code and reason.
async function open(door, path, jwt) {
  const ws = new WebSocket(`${door.url.replace("http", "ws")}${path}?token=${jwt}`);
  const messages = [];
  let wake = () => {};
  ws.on("message", (data, binary) => (messages.push(binary ? data : String(data)), wake()));
  const closed = new Promise((resolve) => ws.once("close", (code, reason) => resolve([code, String(reason)])));
  await new Promise((resolve, reject) => ws.once("open", resolve).once("error", reject));
  return {
    ws,
    closed: () => closed,
    async until(matches) {
      for (;;) {
        const i = messages.findIndex(matches);
        if (i >= 0) return messages.splice(0, i + 1).pop();
        await Promise.race([new Promise((resolve) => (wake = resolve)), closed.then((c) => assert.fail(`closed with ${c}`))]);
      }
    },
    async alive() {
      ws.send("ping");
      await this.until((m) => m === "pong");
    },
    aware(client, clock, state) {
      const text = Buffer.from(state);
      const entry = Buffer.from([1, client, clock, text.length, ...text]);
      ws.send(Buffer.from([1, entry.length, ...entry]));
    },
  };
}

async function post(door, path, jwt, body) {
  const response = await fetch(door.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${jwt}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json().catch(() => null) };
}

for (const [name, start] of Object.entries(doors)) {
  describe(`on ${name}`, { timeout: 1_200_000 }, () => {
    const door = start();
    let rooms;
    before(async () => {
      await door.start();
      const project = await post(door, "/api/v1/projects/", token("ann"), { name: "p" });
      assert.equal(project.status, 201);
      const path = `/api/v1/projects/${project.body.id}`;
      const member = await post(door, `${path}/memberships/`, token("ann"), { user_id: "bob", role: "Viewer" });
      assert.equal(member.status, 201);
      rooms = ["/yjs/r", "/sync/subscribe", `${path}/subscribe`];
    });
    after(() => door.close());

    test("a socket is closed when its token ends, and not before", async () => {
      await Promise.all(rooms.map(async (path) => {
        const exp = seconds() + 10;
        const ends = await open(door, path, token("ann", { exp }));
        const lasts = await open(door, path, token("bob"));
        await lasts.alive();
        assert.deepEqual(await ends.closed(), [4401, "the token has ended"], path);
        assert.ok(Date.now() > exp * 1000 - 100, `${path}: closed too early`);
        await lasts.alive();
        lasts.ws.terminate();
      }));
    });

    test("a revocation closes the sockets of a subject, and its requests get 401", async () => {
      const iat = seconds() - 10;
      const sockets = [];
      for (const path of rooms) {
        const [ann, bob, bobs] = [
          await open(door, path, token("ann", { iat })),
          await open(door, path, token("bob", { iat, jti: "t1" })),
          await open(door, path, token("bob", { iat })),
        ];
        await Promise.all([ann.alive(), bob.alive(), bobs.alive()]);
        sockets.push({ path, ann, bob, bobs });
      }
      const operator = token("operator", { scope: "sync:admin" });
      const revoked = await post(door, "/auth/revoke", operator, { sub: "ann" });
      assert.equal(revoked.status, 200, JSON.stringify(revoked.body));
      for (const { path, ann } of sockets) assert.deepEqual(await ann.closed(), [4401, "the token was revoked"], path);
      for (const { bob } of sockets) await bob.alive();
      assert.equal((await post(door, "/auth/revoke", operator, { jti: "t1", ttl: 3600 })).status, 200);
      for (const { path, bob, bobs } of sockets) {
        assert.deepEqual(await bob.closed(), [4401, "the token was revoked"], path);
        await bobs.alive();
        bobs.ws.terminate();
      }
      const again = await open(door, rooms[0], token("ann", { iat }));
      assert.equal((await again.closed())[0], 4401);
      for (const end = Date.now() + 600_000; (await post(door, "/auth/ticket", token("ann", { iat }), {})).status !== 401; ) {
        assert.ok(Date.now() < end, "requests are never refused");
      }
      const later = await open(door, rooms[0], token("ann", { iat: seconds() + 2 }));
      await later.alive();
      later.ws.terminate();
    });

    test("Y13 a reader cannot take over the presence of others", async () => {
      const ann = await open(door, "/yjs/presence", token("ann", { iat: seconds() + 2 }));
      ann.aware(1, 1, '{"name":"ann"}');
      const says = (text) => (m) => Buffer.isBuffer(m) && m.includes(text);
      await ann.until(says("ann"));
      const reader = await open(door, "/yjs/presence", token("rex", { scope: "yjs:read" }));
      await reader.until(says("ann"));
      reader.aware(1, 100, '{"name":"rex"}');
      reader.aware(1, 101, "null");
      reader.ws.send(Buffer.from([3])); // who is there?
      await reader.until(says("ann"));
      ann.aware(1, 2, '{"name":"ann again"}');
      await reader.until(says("ann again"));
      ann.ws.terminate();
      reader.ws.terminate();
    });
  });
}
