// The heads of requests and responses, on workerd: the glue writes short ones into the guest's inbox,
// and keeps what it read of responses.
import { test } from "node:test";
import assert from "node:assert/strict";
import { get, host } from "./guest.mjs";

test("the guest gets the head and the body of a request, however long they are", async () => {
  for (const length of [0, 1, 5_000, 5_400, 16_000, 16_384, 17_000, 60_000]) {
    const text = "v".repeat(length);
    const query = "q=" + "q".repeat(Math.min(length, 16_000));
    const response = await fetch(`${host.url}/echo?${query}`, { method: "POST", body: text, headers: { "x-long": text.slice(0, 16_000) } });
    const echo = await response.json();
    assert.equal(echo.body, text, `${length}`);
    assert.ok(echo.url.endsWith(`/echo?${query}`), `${length}`);
    const long = Object.entries(echo.header).find(([name]) => name.toLowerCase() === "x-long");
    assert.equal([long?.[1]].flat()[0] ?? "", text.slice(0, 16_000), `${length}`);
  }
});

test("a head outside of ASCII reaches the guest whole", async () => {
  const header = async (value) => {
    const echo = await (await fetch(`${host.url}/echo`, { method: "POST", body: "x", headers: { "x-long": value, "x-z": "last" } })).json();
    assert.deepEqual(echo.header["X-Z"], ["last"], `${value.length}`);
    return echo.header["X-Long"][0];
  };
  const letter = await header("ü");
  for (const length of [5_000, 5_461, 8_000, 12_000]) assert.equal(await header("ü".repeat(length)), letter.repeat(length), `${length}`);
});

test("responses with the same head have an id each", async () => {
  const ids = Array.from({ length: 50 }, (_, n) => `request-${n}`);
  const got = await Promise.all(ids.map(async (id) => (await fetch(`${host.url}/env?name=GREETING`, { headers: { "x-request-id": id } })).headers.get("x-request-id")));
  assert.deepEqual(got, ids);
  const own = new Set(await Promise.all(ids.map(async () => (await fetch(`${host.url}/env?name=GREETING`)).headers.get("x-request-id"))));
  assert.equal(own.size, ids.length);
  assert.equal((await get("/nowhere")).status, 404);
});
