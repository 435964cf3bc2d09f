// Real clients whose request is rejected while they still send its body. They must read the
// rejection, and not a broken connection: both send the whole body before they read. Also:
// how slowly a body may arrive.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import http from "node:http";
import { doors, token } from "../doors.mjs";
import { converse } from "./wire.mjs";

const MB = 1 << 20;
const piece = Buffer.alloc(64 << 10, " ");

// pieces are n bytes.
function* pieces(n) {
  for (let left = n; left > 0; left -= piece.length) yield piece.subarray(0, left);
}

const announced = (n, chunked) => (chunked ? {} : { "content-length": String(n) });

const clients = {
  async fetch(url, headers, n, chunked) {
    const body = chunked ? ReadableStream.from(pieces(n)) : Buffer.alloc(n, " ");
    const response = await fetch(url, { method: "POST", headers, body, duplex: "half" });
    return { status: response.status, origin: response.headers.get("access-control-allow-origin"), body: await response.json() };
  },
  http: (url, headers, n, chunked) =>
    new Promise((resolve, reject) => {
      const request = http.request(url, { method: "POST", headers: { ...headers, ...announced(n, chunked) } });
      request.on("error", reject);
      request.on("response", async (response) => {
        try {
          let text = "";
          for await (const data of response) text += data;
          resolve({ status: response.statusCode, origin: response.headers["access-control-allow-origin"], body: JSON.parse(text) });
        } catch (error) {
          reject(error);
        }
      });
      const body = pieces(n);
      const more = () => {
        for (;;) {
          const { done, value } = body.next();
          if (done) return request.end();
          if (!request.write(value)) return request.once("drain", more);
        }
      };
      more();
    }),
};

for (const [name, open] of Object.entries(doors)) {
  describe(`on ${name}`, { timeout: 3_600_000 }, () => {
    let door;
    const authorization = `Bearer ${token("alice")}`;
    before(async () => void (door = await open().start()));
    after(() => door?.close());

    for (const [client, send] of Object.entries(clients)) {
      for (const chunked of [false, true]) {
        for (const n of [17 * MB, 40 * MB]) {
          test(`${client} reads why ${n / MB} MB ${chunked ? "of unknown length" : "that it announces"} are refused`, async () => {
            const headers = { "content-type": "application/json" };
            const large = await send(`${door.url}/trpc/sync.push`, { ...headers, authorization }, n, chunked);
            assert.equal(large.status, 413);
            assert.match(large.body.error.message, /larger than 16777216 bytes/);
            assert.equal(large.body.error.data.code, "PAYLOAD_TOO_LARGE");
            assert.equal(large.origin, "*");
            const strange = await send(`${door.url}/yjs/room`, headers, n, chunked);
            assert.deepEqual([strange.status, strange.body.error.code, strange.origin], [401, "UNAUTHORIZED", "*"]);
          });
        }
      }
    }

    const head = (path, length) =>
      `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nAuthorization: ${authorization}\r\n${length}\r\n\r\n`;

    describe("slow bodies", { concurrency: true }, () => {
      test("a body that stalls gets 408, in the error shape of its path", async () => {
        const told = async (path, length, part) => {
          const said = await converse(door.url, [head(path, length), part]);
          assert.match(said, /^HTTP\/1\.1 408 /);
          assert.match(said, /^access-control-allow-origin: \*\r$/im);
          return JSON.parse(said.slice(said.indexOf("\r\n\r\n")));
        };
        const [trpc, chunked, rest, plain] = await Promise.all([
          told("/trpc/sync.push", "Content-Length: 1000", "{"),
          told("/trpc/sync.push", "Transfer-Encoding: chunked", "5\r\n{"),
          told("/api/v1/projects/", "Content-Length: 1000", ""),
          told("/yjs/room", "Content-Length: 1000", "x"),
        ]);
        for (const { error } of [trpc, chunked]) {
          assert.deepEqual([error.code, error.data.code, error.data.httpStatus], [-32008, "TIMEOUT", 408]);
        }
        assert.deepEqual([rest.status, rest.code], [408, "timeout"]);
        assert.equal(plain.error.code, "TIMEOUT");
        for (const message of [trpc.error.message, rest.detail, plain.error.message]) assert.match(message, /came too slowly/);
      });

      test("a body that arrives slowly but steadily is accepted", async () => {
        const push = Buffer.from(`{"changes":{},"lastPulledAt":1,"x":"${"x".repeat(40_000)}"}`);
        const steps = [head("/trpc/sync.push", `Content-Length: ${push.length}`)];
        for (let at = 0; at < push.length; at += 4_000) steps.push(push.subarray(at, at + 4_000), 1_500);
        assert.match(await converse(door.url, steps), /^HTTP\/1\.1 200 /);
      });
    });
  });
}
