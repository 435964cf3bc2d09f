// The rules of requests that an object serves, on workerd: wasm/edge/request_test.go.
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import assert from "node:assert/strict";
import { until } from "../until.mjs";
import { atRest, get, host, impatient, ok, post, raw, socket, wake } from "./guest.mjs";

const object = (name, does) => `/object/${name}?do=${does}`;
const call = async (name, command) => (await post(`/room/${name}/call`, command)).text;

// waiting begins a request of the object, which waits for a key. It returns {answer}, a promise, when the request waits.
async function waiting(name, does, method = "POST") {
  const before = Number(await call(name, "waiters"));
  const answer = get(object(name, does), { method });
  await until(async () => Number(await call(name, "waiters")) > before, () => `${does} waits`);
  return { answer };
}

test("an object serves a request as it is", async () => {
  const attachment = "\u0000\n: ü" + "x".repeat(5000);
  for (const method of ["GET", "POST", "DELETE", "PATCH"]) {
    for (const body of method === "GET" ? [undefined] : ["", "body ü\u0000", "x".repeat(300_000)]) {
      const path = object("as-is", `echo&q=1%202&attachment=${encodeURIComponent(attachment)}`);
      const echo = JSON.parse(await ok(path, { method, body }));
      assert.equal(echo.object, "Probe as-is");
      assert.equal(echo.method, method);
      assert.equal(echo.body, body ?? "");
      assert.equal(Buffer.from(echo.attachment, "base64").toString(), attachment);
      assert.ok(echo.url.endsWith(path));
    }
  }
  const head = await fetch(host.url + object("as-is", "echo"), { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get("content-type"), "application/json");
  await atRest();
});

test("a big answer of an object arrives whole", async () => {
  const line = (n) => String.fromCharCode(97 + (n % 26)).repeat(1000 - (n % 2)) + "\n".repeat(n % 2);
  assert.equal(await ok(object("big", "big&kb=20000")), Array.from({ length: 20_000 }, (_, n) => line(n)).join("").trim());
  await atRest();
});

test("the limits of a body hold in an object", async () => {
  const limit = 100_000;
  const stream = (n) => new ReadableStream({ start: (c) => (c.enqueue(new Uint8Array(n)), c.close()) });
  for (const [n, status] of [[limit, 200], [limit + 1, 413]]) {
    const path = object("body", `length&limit=${limit}`);
    assert.equal((await post(path, new Uint8Array(n))).status, status);
    assert.equal((await get(path, { method: "POST", body: stream(n), duplex: "half" })).status, status);
  }
  const body = Buffer.alloc(2_000_000);
  assert.match(await raw(`POST ${object("body", "refused")} HTTP/1.1\r\nContent-Length: ${body.length}`, body), / 401 /);
  for (const head of ["Content-Length: 100", "Transfer-Encoding: chunked"]) {
    assert.match(await raw(`POST ${object("body", "length")} HTTP/1.1\r\n${head}`, Buffer.from("3\r\nabc\r\n"), true), / 400 /);
  }
  await atRest();
});

test("a client cannot say in the Worker's place how a body came", async () => {
  for (const says of ["whole", "the body came too slowly"]) {
    for (const n of [0, 10, 16_384, 16_385, 100_000]) {
      const options = { method: "POST", body: new Uint8Array(n), headers: { "x-tidemark-body": says } };
      assert.equal(await ok(object("said", "length&limit=100000"), options), String(n), says);
    }
  }
  await atRest();
});

test("a GET with a body reaches an object, without the body", async () => {
  for (const n of [5, 100_000]) assert.match(await raw(`GET ${object("get", "echo")} HTTP/1.1\r\nContent-Length: ${n}`, Buffer.alloc(n)), / 200 /);
  await atRest();
});

test("a request that cannot be delivered to an object answers 500", async () => {
  for (const [does, body, why] of [
    ["echo&taken=1", "x", "the guest forwarded a request whose body it had taken"],
    ["pass", undefined, "an object forwarded a request to another object"],
  ]) {
    const answer = await post(object("r", does), body);
    assert.equal(answer.status, 500);
    assert.match(answer.text, new RegExp(why));
  }
  assert.deepEqual(await post(object("r", "length&taken=1")), { status: 200, text: "0" });
  await atRest();
});

test("an object forwards a socket and refuses one", async () => {
  for (const name of ["forwards", "to-another"]) {
    const s = await socket(object("forwards", `socket&attachment=a&name=${name}`));
    assert.equal(await s.next(), "open a");
    assert.match(await s.ask("object"), new RegExp(` Probe ${name}$`));
    s.ws.terminate();
  }
  const refused = await socket(object("forwards", "refuse"));
  assert.deepEqual(await refused.next(), { code: 4401, reason: "no token" });
});

test("many requests of one object run one after the other", async () => {
  const lengths = await Promise.all(Array.from({ length: 100 }, (_, n) =>
    n % 3 ? ok(object("one-after-the-other", `enter&command=add+${n}`), { method: "POST", body: "body" }) : call("one-after-the-other", `add ${n}`)));
  assert.deepEqual(lengths.map(Number).sort((a, b) => a - b), Array.from({ length: 100 }, (_, n) => n + 1));
});

test("events of an object come in between its requests", async () => {
  const s = await socket("/room/between/socket");
  await s.next();
  const waits = await waiting("between", "wait&key=between");
  assert.equal(await s.ask("add between"), "1");
  assert.equal(await ok(object("between", "enter&command=add+request"), { method: "POST" }), "2");
  assert.equal(await call("between", "wake between"), "true");
  assert.equal((await waits.answer).status, 200);
  assert.equal(await call("between", "log"), '["between","request","between"]');
  s.ws.terminate();
});

test("a request of an object acts on it without an op, and one that another object wakes acts on its own", async () => {
  const ops = () => ok(object("acts", "enter&command=ops"), { method: "POST" });
  assert.equal(await ops(), "0");
  const waits = await waiting("acts", "wait&key=acts");
  assert.equal(await call("other", "wake acts"), "true");
  assert.equal((await waits.answer).status, 200);
  assert.equal(await call("acts", "log"), '["acts"]');
  assert.equal(await call("other", "log"), "[]");
  assert.equal(await ok(object("acts", "enter&command=erase"), { method: "POST" }), "erased");
  assert.equal(await call("acts", "log"), "[]");
  assert.equal(await ops(), "0");
  await atRest();
});

test("an instance that ends in a request of an object answers 500 and replays reads", async () => {
  await call("guilty", "add kept");
  const write = await waiting("guilty", "wait&key=write");
  const read = await waiting("guilty", "wait&key=read", "GET");
  const bad = await get(object("guilty", "exit"));
  assert.equal(bad.status, 500);
  assert.match(bad.text, /the instance ended/);
  assert.equal((await write.answer).status, 500);
  await until(async () => (await call("guilty", "wake read")) === "true", () => "the read is replayed");
  assert.equal((await read.answer).status, 200);
  assert.equal(await call("guilty", "log"), '["kept","read"]');
  assert.equal(await call("guilty", "ends"), "1");
  assert.equal((await get(object("guilty", "panic"))).status, 500);
  assert.equal(await call("guilty", "ends"), "1");
  await atRest();
});

test("a request of an object that did nothing begins anew, unless the object has another call", async () => {
  assert.equal(await ok(object("again", "again&key=oa")), "4 0");
  assert.deepEqual(await post(object("again", "again&key=ob"), "12345"), { status: 200, text: "4 5" });
  assert.deepEqual(await post(object("again", "again&key=oc")), { status: 200, text: "1 0" });
  const waits = await waiting("again", "wait&key=again");
  assert.equal(await ok(object("again", "again&key=od")), "1 0");
  await call("again", "wake again");
  await waits.answer;
  await atRest();
});

test("a full instance drains, and then the object moves to the next", async () => {
  const s = await socket("/room/full/socket");
  await s.next();
  const first = await waiting("full", "wait&key=first");
  const full = await waiting("full", "memory&mb=38&key=full");
  let answered = 0;
  const queued = Array.from({ length: 20 }, () => ok(object("full", "wait&key="), { method: "POST" }).finally(() => answered++));
  for (let n = 0; n < 20; n++) {
    assert.equal(await s.ask("echo events go on"), "events go on");
    assert.equal(await ok("/trivial"), "ok");
  }
  assert.equal(await s.ask("wake first"), "true");
  const old = (await first.answer).text;
  assert.equal(await s.ask("waiters"), "1");
  assert.equal(answered, 0);
  assert.equal(await s.ask("wake full"), "true");
  assert.equal((await full.answer).text, old);
  const next = new Set(await Promise.all(queued));
  assert.equal(next.size, 1);
  assert.ok(!next.has(old));
  s.ws.terminate();
});

test("W4 a request waits for no server that an alarm asks", async (t) => {
  let ask;
  const asked = new Promise((resolve) => (ask = resolve));
  const hangs = createServer((request) => request.resume().on("end", ask)).listen(0, "127.0.0.1");
  t.after(() => hangs.closeAllConnections() ?? hangs.close());
  await once(hangs, "listening");
  assert.equal(await call("asks", `alarm-fetch 0 http://127.0.0.1:${hangs.address().port}/`), "planned");
  await asked;
  const full = await waiting("fills", "memory&mb=38&key=fills");
  assert.equal(await ok(object("asks", "sleep"), { method: "POST" }), "slept");
  assert.equal(await call("asks", "log"), '["alarm","fetched false, too late false"]');
  assert.equal(await call("fills", "wake fills"), "true");
  await full.answer;
});

test("a request of an object over its limit is cancelled", async (t) => {
  await impatient(t);
  assert.equal((await get(object("slow", "wait&key=never"))).status, 504);
  assert.equal(await call("slow", "log"), "[]");
  await atRest();
});

test("a client that leaves frees its call of an object", async () => {
  await call("left", "log");
  const abort = new AbortController();
  const left = fetch(host.url + object("left", "wait&key=left-object"), { method: "POST", signal: abort.signal }).catch(() => {});
  await until(async () => (await call("left", "waiters")) === "1", () => "the request waits");
  abort.abort();
  await left;
  await until(async () => (await call("left", "wake left-object")) === "true" || (await call("left", "waiters")) === "0", () => "it is woken");
  await atRest();
});

test("a trial leaves nothing behind", async () => {
  const sql = "CREATE TABLE t (v) ; INSERT INTO t VALUES ('x') ; SELECT v FROM t";
  assert.equal(await ok(object("bare-try", `enter&command=${encodeURIComponent("try " + sql)}`)), "x");
  assert.match(await call("bare-try", "try SELECT v FROM t"), /no such table/);
  await call("bare-try", "sql CREATE TABLE t (v)");
  assert.equal(await call("bare-try", "write-try INSERT INTO t VALUES ('tried') ; SELECT group_concat(v) FROM t"), "written,tried");
  assert.equal(await call("bare-try", "sql SELECT group_concat(v) FROM t"), "written");
});

test("an erased object is used again", async () => {
  const s = await socket("/room/bare-erase/socket");
  await s.next();
  await call("bare-erase", "sql CREATE TABLE t (v)");
  await call("bare-erase", "sql INSERT INTO t VALUES ('old')");
  assert.ok(Number(await call("bare-erase", "size")) > 0);
  assert.equal(await ok(object("bare-erase", "enter&command=erase"), { method: "DELETE" }), "erased");
  await until(async () => (await call("bare-erase", "conns")) === "[]", () => "the socket is closed");
  assert.match(await call("bare-erase", "sql SELECT v FROM t"), /no such table/);
  await call("bare-erase", "sql CREATE TABLE t (v)");
  await call("bare-erase", "sql INSERT INTO t VALUES ('new')");
  assert.equal(await call("bare-erase", "sql SELECT group_concat(v) FROM t"), "new");
  assert.equal(await ok(object("bare-erase", "enter&command=erase"), { method: "DELETE" }), "erased");
  await call("erase-exit", "add kept"); // the instance ends in that event
  assert.equal((await post(object("erase-exit", "enter&command=erase-exit"))).status, 500);
  assert.equal(await call("erase-exit", "log"), '["kept"]');
});

test("a request that began before its object was made anew writes nothing", async () => {
  for (const [command, status, reply] of [["erase", 200, "erased"], ["panic", 500, "host: the event panicked"]]) {
    const old = await waiting(command, `wait&key=${command}`);
    assert.deepEqual(await post(object(command, `enter&command=${command}`)), { status, text: reply });
    assert.equal(await call(command, "add new"), "1");
    assert.equal(await call(command, `wake ${command}`), "true");
    assert.match((await old.answer).text, /and was reset/);
    assert.equal(await call(command, "log"), '["new"]');
  }
});
