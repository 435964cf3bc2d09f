// The rules of a shared instance, on workerd, through the real glue: a bad request must not
// harm the others. The guest is worker/testguest.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { until } from "../until.mjs";
import { start } from "./host.mjs";

const guest = new URL("../../build/testguest.wasm", import.meta.url).pathname;
let host;

before(async () => {
  host = await start(guest, { bindings: {
    GREETING: "grüß", LIMIT_MEMORY_MB: "48", LIMIT_BODY_BYTES: "1000000", LIMIT_SOCKETS: "200", LIMIT_SOCKETS_PER_SUBJECT: "3",
  } });
});
after(() => host.mf.dispose());

const get = async (path, options) => {
  const response = await fetch(host.url + path, options);
  return { status: response.status, text: (await response.text()).trim() };
};
const post = (path, body) => get(path, { method: "POST", body });
const ok = async (path, options) => {
  const answer = await get(path, options);
  assert.equal(answer.status, 200, answer.text);
  return answer.text;
};
const stats = async () => JSON.parse(await ok("/stats"));

// atRest waits until the instance has no call but the one that asks, no op and no handle.
async function atRest(goroutines = Infinity) {
  let s;
  const rests = async () => {
    s = await stats();
    return s.calls === 1 && s.ops === 0 && s.handles === 0 && s.goroutines <= goroutines;
  };
  await until(rests, () => `at rest with ${goroutines} goroutines: ${JSON.stringify(s)}`);
  return s;
}

// wake waits until a request waits for key, and wakes it.
const wake = (key) => until(async () => (await get(`/wake?key=${key}`)).text === "woke", () => `somebody waits for ${key}`);

async function socket(path) {
  const ws = new WebSocket(host.url.replace("http", "ws") + path);
  const got = [];
  let wake = () => {};
  ws.on("message", (data, binary) => (got.push(binary ? data : data.toString()), wake()));
  ws.on("close", (code, reason) => (got.push({ code, reason: reason.toString() }), wake()));
  await new Promise((resolve, reject) => ws.once("open", resolve).once("error", reject));
  const next = async () => {
    while (got.length === 0) await new Promise((resolve) => (wake = resolve));
    return got.shift();
  };
  return { ws, next, ask: (text) => (ws.send(text), next()) };
}

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

// raw sends all bytes before it reads. It returns the response's status line. end
// half-closes the connection before.
async function raw(head, body, end = false) {
  const { hostname, port } = new URL(host.url);
  const socket = connect(Number(port), hostname).on("error", () => {});
  const write = (bytes) => new Promise((sent) => socket.write(bytes, sent));
  await write(`${head}\r\nHost: test\r\n\r\n`);
  for (let at = 0; at < body.length; at += 65_536) await write(body.subarray(at, at + 65_536));
  if (end) socket.end();
  let said = "";
  for await (const data of socket) if ((said += data).includes("\r\n\r\n")) break;
  return said.split("\r\n")[0];
}

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
  const patient = host;
  t.after(() => (host = patient));
  host = await start(guest, { bindings: { LIMIT_CALL_MS: "500" } });
  t.after(host.close);
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

// What follows are the rules of requests that an object serves: wasm/edge/request_test.go.

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

test("a request of an object over its limit is cancelled", async (t) => {
  const patient = host;
  t.after(() => (host = patient));
  host = await start(guest, { bindings: { LIMIT_CALL_MS: "500" } });
  t.after(host.close);
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
