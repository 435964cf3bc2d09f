// The rules of a shared instance, on workerd, through the real glue: a bad request must not
// harm the others. The guest is worker/testguest.
import { test } from "node:test";
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { until } from "../until.mjs";
import { atRest, get, host, impatient, ok, post, raw, socket, stats, wake } from "./guest.mjs";

test("the guest gets the environment and requests unchanged", async () => {
  assert.equal(await ok("/env?name=GREETING"), "grüß");
  assert.equal(await ok("/env?name=ABSENT"), "");
  const body = "ü".repeat(1000);
  const echo = JSON.parse((await post("/echo?a=b%20c", body)).text);
  assert.equal(echo.body, body);
  assert.match(echo.url, /\/echo\?a=b%20c$/);
});

test("a body over the limit is refused, with or without its length", async () => {
  const limit = 1_000_000;
  const stream = (n) => new ReadableStream({ start: (c) => (c.enqueue(new Uint8Array(n)), c.close()) });
  for (const [n, status] of [[limit, 200], [limit + 1, 413]]) {
    assert.equal((await post(`/length?limit=${limit}`, new Uint8Array(n))).status, status);
    assert.equal((await get(`/length?limit=${limit}`, { method: "POST", body: stream(n), duplex: "half" })).status, status);
  }
});

test("a client that sends everything first reads its rejection, and the guest reads none of the body", async () => {
  const body = Buffer.alloc(2_000_000);
  for (const [path, status] of [["/refused", 401], ["/length?limit=1000000", 413], ["/length?limit=2000000", 200]]) {
    assert.match(await raw(`POST ${path} HTTP/1.1\r\nContent-Length: ${body.length}`, body), new RegExp(` ${status} `));
  }
  const { memory } = await stats();
  const answers = Array.from({ length: 40 }, () => raw(`POST /refused HTTP/1.1\r\nContent-Length: ${body.length}`, body));
  for (const said of await Promise.all(answers)) assert.match(said, / 401 /);
  assert.ok((await stats()).memory - memory < 4 << 20);
  await atRest();
});

test("a body that is cut short never reaches the handler", async () => {
  for (const head of ["Content-Length: 100", "Transfer-Encoding: chunked"]) {
    const said = await raw(`POST /length HTTP/1.1\r\n${head}`, Buffer.from("3\r\nabc\r\n"), true);
    assert.match(said, / 400 /);
  }
  await atRest();
});

test("a read whose body was taken is not replayed", async () => {
  const { boot } = await atRest();
  const taken = raw("GET /taken-wait HTTP/1.1\r\nContent-Length: 1", Buffer.from("x"));
  const untaken = get("/wait?key=untaken");
  await until(async () => (await stats()).calls === 3, () => "both under way");
  await get("/exit");
  assert.match(await taken, / 500 /);
  await until(async () => (await stats()).boot !== boot && (await stats()).calls === 2, () => "the other one replayed");
  await wake("untaken");
  assert.equal((await untaken).status, 200);
});

test("a call that did nothing is retried with its body, as often as package abi allows", async () => {
  assert.equal(await ok("/again?key=a"), "4 0");
  assert.deepEqual(await post("/again?key=b", "12345"), { status: 200, text: "4 5" });
  assert.deepEqual(await post("/again?key=c"), { status: 200, text: "1 0" });
  assert.deepEqual(await post("/again?key=d&take=1", "12345"), { status: 200, text: "1 5" });
  await atRest();
});

test("50 concurrent requests with several D1 operations each leave no op and no handle", async () => {
  const { goroutines } = await stats();
  const counts = await Promise.all(Array.from({ length: 50 }, (_, i) => ok(`/d1?n=5&id=c${i}`)));
  assert.deepEqual(counts, Array(50).fill("5"));
  await atRest(goroutines);
});

test("an op posted while another request runs is done in its own request", async () => {
  const waiting = ok("/wait?key=a");
  await wake("a");
  assert.equal(await waiting, "from the op");
});

test("a client that leaves in mid-request blocks no other request", async () => {
  const { goroutines, boot } = await atRest();
  for (const path of ["/sleep?ms=500", "/d1?n=400&id=gone", "/wait?key=left"]) {
    const abort = new AbortController();
    let answered = false;
    const left = fetch(host.url + path, { signal: abort.signal }).then(() => (answered = true), () => {});
    if (path.startsWith("/d1")) await sleep(30); // no other request is answered while D1 is busy
    else await until(async () => answered || (await stats()).calls > 1, () => `${path} under way`);
    abort.abort();
    await left;
    assert.equal(await ok("/trivial"), "ok");
    if (path.startsWith("/wait")) await wake("left");
    assert.equal((await atRest(goroutines)).boot, boot);
  }
});

test("a request over its limit is cancelled", async (t) => {
  await impatient(t);
  const { goroutines } = await stats();
  assert.equal((await get("/wait?key=never")).status, 504);
  await atRest(goroutines);
});

test("a handler that panics answers 500 and harms no other", async () => {
  const { boot } = await stats();
  const other = ok("/sleep?ms=200");
  assert.equal((await get("/panic")).status, 500);
  assert.equal(await other, "slept");
  assert.equal((await stats()).boot, boot);
});

for (const [what, path] of [
  ["a goroutine that panics", "/goroutine-panic"],
  ["a stack overflow", "/stack-overflow"],
  ["an exit", "/exit"],
  ["running out of the memory budget", "/memory?mb=200"],
]) {
  test(`${what} ends the instance: reads are replayed, writes answer 500, the next request is served`, async () => {
    const { boot } = await atRest();
    const write = post("/slow-echo?ms=50000", "x"); // longer than all the rest takes
    await until(async () => (await stats()).calls > 1, () => "the write under way");
    let slept = false;
    const reads = [ok("/sleep?ms=500").finally(() => (slept = true)), ok("/d1?n=3&id=" + encodeURIComponent(what))];
    await until(async () => slept || (await stats()).calls > 2, () => "a read under way");
    const bad = await get(path);
    assert.equal(bad.status, 500);
    assert.match(bad.text, /the instance ended/);
    assert.equal((await write).status, 500);
    assert.equal(await reads[0], "slept");
    assert.ok(Number(await reads[1]) >= 3);
    const s = await atRest(3);
    assert.notEqual(s.boot, boot);
  });
}

test("an instance near its budget ends with its requests, and a new one serves the next", async () => {
  const { boot } = await stats();
  const other = ok("/sleep?ms=300");
  assert.equal(await ok("/memory?mb=38&hold=1"), "38");
  assert.notEqual((await stats()).boot, boot);
  assert.equal(await other, "slept");
});

test("a room keeps its log, its sockets and their attachments over hibernation", async () => {
  const { ws, next, ask } = await socket("/room/h/socket?attachment=first");
  assert.equal(await next(), "open first");
  assert.equal(await ask("ping"), "pong");
  assert.equal(await ask("attach second"), "attached");
  assert.equal(await ask("add one"), "1");
  const [number, ...identity] = (await ask("object")).split(" ");
  assert.deepEqual(identity, ["Probe", "h"]);
  assert.notEqual(await ask("count"), "1");
  await host.mf.unsafeEvictDurableObject("probe", "Probe", { name: "h", webSockets: "hibernate" });
  assert.equal(await ask("ping"), "pong");
  assert.equal(await ask("count"), "1");
  assert.notEqual((await ask("object")).split(" ")[0], number);
  assert.equal(await ask("log"), '["one"]');
  assert.equal(await ask("conns"), '[[1,"second"]]');
  ws.close(4000, "done");
  assert.deepEqual(await next(), { code: 4000, reason: "done" });
  let log;
  await until(async () => (log = (await post("/room/h/call", "log")).text).includes("close"), () => `the close in ${log}`);
  assert.equal(log, '["one","close 4000 done"]');
  assert.equal((await post("/room/h/call", "last")).text, '[[1,"second"]]');
  assert.equal((await post("/room/h/call", "conns")).text, "[]");
});

test("a room hears nothing of a socket that it has closed", async () => {
  const deaf = await socket("/room/shut/socket?attachment=deaf");
  const other = await socket("/room/shut/socket?attachment=other");
  await other.next(); // its attachment
  deaf.ws._receiver.removeAllListeners("conclude"); // it does not answer the close
  deaf.ws.send("close 4001 out");
  await sleep(500);
  deaf.ws.send("add written after the close");
  await sleep(500);
  assert.equal(await other.ask("log"), "[]");
  deaf.ws.terminate();
  other.ws.terminate();
});

test("sockets are bounded, of one owner over all objects and in all", async () => {
  const owned = [];
  for (const room of ["owned-1", "owned-1", "owned-2"]) owned.push(await socket(`/room/${room}/socket?owner=ann`));
  for (const s of owned) await s.next();
  const refused = await socket("/room/owned-3/socket?owner=ann");
  assert.deepEqual(await refused.next(), { code: 4529, reason: "one subject may have 3 WebSockets at a time" });
  const other = await socket("/room/owned-3/socket?owner=bob");
  assert.equal(await other.next(), "open ");
  owned[0].ws.terminate();
  let again;
  await until(async () => {
    again = await socket("/room/owned-1/socket?owner=ann");
    return (await again.next()) === "open ";
  }, () => "a place is free again");
  for (const name of ["owned-1", "owned-2"]) await host.mf.unsafeEvictDurableObject("probe", "Probe", { name, webSockets: "hibernate" });
  for (const room of ["owned-1", "owned-2"]) await post(`/room/${room}/call`, "conns"); // they are awake
  assert.equal((await (await socket("/room/owned-3/socket?owner=ann")).next()).code, 4529);

  const crowd = [other, again, ...owned];
  for (let last = ""; last === "" || last === "open "; ) {
    assert.ok(crowd.length < 300, "nobody is refused");
    const s = await socket("/room/crowd/socket");
    crowd.push(s);
    last = await s.next();
    if (last.code !== undefined) assert.equal(last.code, 4503);
  }
  for (const s of crowd) s.ws.terminate();
  await until(async () => {
    const s = await socket("/room/crowd/socket");
    const open = (await s.next()) === "open ";
    s.ws.terminate();
    return open;
  }, () => "there is place again");
});

test("an upgrade is refused by a message and a close code", async () => {
  const silent = await socket("/refuse");
  assert.deepEqual(await silent.next(), { code: 4401, reason: "no token" });
  const told = await socket("/refuse?message=why");
  assert.deepEqual(await told.next(), Buffer.from("why"));
  assert.deepEqual(await told.next(), { code: 4401, reason: "no token" });
});

test("a reason that is longer than a close frame holds is cut at the end of a character", async () => {
  for (const [reason, want] of [
    ["x".repeat(123), "x".repeat(123)],
    ["x".repeat(124), "x".repeat(123)],
    ["x".repeat(122) + "é", "x".repeat(122)],
    ["😀".repeat(40), "😀".repeat(30)],
  ]) {
    const { next } = await socket(`/refuse?reason=${encodeURIComponent(reason)}`);
    assert.deepEqual(await next(), { code: 4401, reason: want });
  }
});

test("an instance that ends in a room's event closes that socket, and the room lives", async () => {
  const a = await socket("/room/dies/socket?attachment=a");
  const b = await socket("/room/dies/socket?attachment=b");
  await a.next(), await b.next();
  a.ws.send("goroutine-panic");
  assert.equal((await a.next()).code, 1011);
  assert.equal(await b.ask("echo still here"), "still here");
  a.ws.terminate();
  b.ws.send("panic");
  assert.equal((await b.next()).code, 1011);
  assert.equal((await post("/room/dies/call", "echo yes")).text, "yes");
});

test("a message reaches every socket of a room, and binary messages come back", async () => {
  const all = await Promise.all(Array.from({ length: 5 }, (_, i) => socket(`/room/many/socket?attachment=${i}`)));
  for (const s of all) await s.next();
  assert.equal((await post("/room/many/call", "all hello")).text, "5");
  for (const s of all) assert.equal(await s.next(), "hello");
  assert.equal((await post("/room/many/publish", "all later")).text, "published");
  for (const s of all) assert.equal(await s.next(), "later");
  assert.deepEqual(await all[0].ask(Buffer.from([1, 2, 3])), Buffer.from([3, 2, 1]));
  for (const s of all) s.ws.terminate();
});

test("an alarm runs, runs again after a failure, and may wait for D1 in between", async () => {
  const log = async () => JSON.parse((await post("/room/alarm/call", "log")).text);
  const logged = async (want) => {
    await until(async () => (await log()).length >= want.length, () => `logged: ${want}`);
    assert.deepEqual(await log(), want);
  };
  await post("/room/alarm/call", "alarm 20");
  await logged(["alarm"]);
  await post("/room/alarm/call", "alarm-fail 20 1");
  await logged(["alarm", "alarm", "alarm"]);
  await post("/room/alarm/call", "alarm-d1 20");
  await logged(["alarm", "alarm", "alarm", "alarm", "alarm after d1"]);
});

test("an object remembers the instances that it ended", async () => {
  const call = async (text) => (await post("/room/ends/call", text)).text;
  const room = await socket("/room/ends/socket");
  await room.next();
  assert.equal(await room.ask("ends"), "0");
  assert.equal((await room.ask("overflow")).code, 1011);
  assert.equal(await call("ends"), "1");
  await get("/exit"); // in no object
  assert.equal((await post("/room/ends/call", "goroutine-panic")).status, 500);
  assert.equal(await call("ends"), "3"); // a call is tried twice
  assert.equal((await post("/room/other/call", "ends")).text, "0");
  assert.equal(await call("forgive"), "0");
  assert.equal(await call("ends"), "0");
  // Its alarm sets the next one to the same moment, and the glue delays that by 2 s.
  const begun = performance.now();
  assert.equal(await call("alarm-again 0"), "planned");
  const alarms = async () => {
    const { status, text } = await post("/room/ends/call", "log"); // 500 if the alarm ends the instance meanwhile
    return status === 200 ? JSON.parse(text).filter((entry) => entry === "alarm").length : 0;
  };
  await until(async () => (await alarms()) >= 2, () => "the alarm runs again");
  assert.ok(performance.now() - begun >= 1900, "the second alarm came at once"); // 1900: two clocks
});

// wasm/edge/changes_test.go has the same numbers.
test("the changes of a statement are its rows, without those of indexes", async () => {
  const statements = [
    "CREATE TABLE t (id TEXT PRIMARY KEY, a INTEGER, b INTEGER)", "CREATE INDEX ta ON t (a)", "CREATE INDEX tb ON t (b)",
    "INSERT INTO t VALUES ('x', 1, 1), ('y', 2, 2), ('z', 3, 3)", "SELECT * FROM t ORDER BY b + 1",
    "WITH c AS MATERIALIZED (SELECT id FROM t) UPDATE t SET a = 9 WHERE id IN (SELECT id FROM c) AND a > 1",
    "INSERT INTO t VALUES ('x', 5, 5), ('w', 6, 6) ON CONFLICT (id) DO UPDATE SET b = 7 WHERE a = 9",
    "UPDATE t SET a = 0 WHERE false", "DELETE FROM t WHERE id IN ('w', 'x') RETURNING id", "DELETE FROM t", "DROP TABLE t",
  ];
  const call = async (command) => (await post("/room/changes/call", command)).text;
  assert.equal(await call("changes " + statements.join(" ; ")), "0 0 0 3 0 2 1 0 2 2 0");
  assert.equal(await call("changes SELECT count(*) FROM log"), "0");
});

test("a timer fires once, and outlives the instance that set it", async () => {
  const log = async () => JSON.parse((await post("/room/timer/call", "log")).text);
  const logged = async (n) => {
    await until(async () => (await log()).length >= n, () => `${n} in the log`);
    return log();
  };
  assert.equal((await post("/room/timer/call", "timer 20")).text, "set");
  assert.equal((await logged(1)).length, 1);
  assert.equal((await post("/room/timer/call", "timer 5000")).text, "set");
  assert.equal((await post("/room/timer/call", "timer 1")).text, "pending");
  await get("/exit");
  const entries = await logged(2);
  assert.match(entries[1], /^timer \d+$/);
  await sleep(100);
  assert.equal((await log()).length, 2);
});

test("a room's own entrance cannot be reached from outside", async () => {
  for (const path of ["/", "/room"]) {
    const ws = new WebSocket(host.url.replace("http", "ws") + path, { headers: { "x-attachment": "" } });
    const response = await new Promise((resolve) => ws.once("unexpected-response", (_, res) => resolve(res)));
    assert.equal(response.statusCode, 404);
    response.destroy();
  }
});
