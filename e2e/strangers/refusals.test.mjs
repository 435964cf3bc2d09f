// What real clients see of a refusal while they still send a body: the refusal, and
// not a connection that breaks. Both send it whole before they look for an answer.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import http from "node:http";
import { doors, token } from "../doors.mjs";

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
  });
}
