// The module that workerd runs. It passes requests and the events of Durable Objects to
// the guest (guest.mjs), and returns the responses. It knows nothing of sync.
import { DurableObject } from "cloudflare:workers";
import { Body } from "./body.mjs";
import { awakens, crowded } from "./crowd.mjs";
import { Exchange } from "./exchange.mjs";
import { Held, frameOf } from "./held.mjs";
import * as log from "./log.mjs";
import { alarmPoint, eventPoint } from "./metrics.mjs";
import { objectStub } from "./object.mjs";
import { beforeClose } from "./overview.mjs";
import { response } from "./response.mjs";
import { Several } from "./several.mjs";
import { closeSocket, cutReason } from "./socket.mjs";
import { Reader, Writer, encode } from "./frame.mjs";
import {
  Call, EVENT_BINARY, EVENT_CALL, EVENT_CLOSE, EVENT_ENTER, EVENT_MESSAGES, EVENT_OPEN, EVENT_TEXT, EVENT_TIMER,
  KIND_BINARY, KIND_TEXT, callLimit, message, running,
} from "./guest.mjs";

const LIMIT_BODY_BYTES = 16 << 20; // variable LIMIT_BODY_BYTES
const OPEN = 1; // WebSocket.readyState
const LEAST_DROPPED = 1 << 20; // bytes of a body, however low the limits
const DROPPED_LIMITS = 8; // times LIMIT_BODY_BYTES, of a body that nobody wants
const NONE = new Uint8Array(0);
const REQUEST = 1, SEVERAL = 2; // the first byte of a Forward with Request, and with Several
const ATTACHMENT = "x-tidemark-attachment", FORWARD = "x-tidemark-forward"; // headers between the Worker and an object
const BODY = "x-tidemark-body", WHOLE = "whole"; // header of such a request: WHOLE, or why its body did not come
const OWN = new Set([ATTACHMENT, BODY, "x-request-id", "traceparent"]); // headers of which the glue itself tells the guest
const UNDO = new Error("undo");
const SELECT = /^\s*SELECT\b/i; // such a statement changes no row
const ALARM_BACKOFF_MS = 2_000; // after an end, doubled with each more
const ALARM_BACKOFF_LIMIT_MS = 3_600_000;

const bodyLimit = (env) => Number(env.LIMIT_BODY_BYTES) || LIMIT_BODY_BYTES;

export default {
  fetch: (request, env, ctx) => handle(new Exchange(request, env, ctx)),
};

// handle returns the response of a request, or a promise of it.
function handle(exchange) {
  const { body } = exchange;
  try {
    if (body?.small) return body.readEarly().then(() => finish(serve(exchange), exchange)).catch((error) => failed(error, exchange));
    const answer = serve(exchange);
    if (isWhole(answer, exchange)) return exchange.end(response(answer, exchange));
    return finish(answer, exchange).catch((error) => failed(error, exchange));
  } catch (error) {
    return failed(error, exchange);
  }
}

// finish returns the response that the answer, or its promise, leads to.
async function finish(answering, exchange) {
  const answer = await answering;
  const frame = answer.forward && new Reader(answer.forward);
  const kind = frame?.byte();
  if (kind === REQUEST) return pass(frame, exchange);
  await drop(exchange);
  if (kind === SEVERAL) return exchange.end(openSeveral(frame, exchange));
  return exchange.end(frame ? await forward(frame, exchange) : response(answer, exchange));
}

function failed(error, exchange) {
  log.error("a request failed", { error: error?.stack ?? message(error), ...exchange.trace.fields });
  return exchange.end(exchange.fail("internal error"));
}

// isWhole says whether an answer is a response, and nothing of the request is left to be read. Most small
// requests are answered so in the export that began them. Each promise more would cost some µs.
const isWhole = (answer, { body }) => !body?.left && !(answer instanceof Promise) && !answer.forward;

// serve has the guest answer a request: the Worker's own, or one that the Worker
// forwarded to object, with data. It returns the answer, or a promise of it.
function serve(exchange, object = null, data = NONE) {
  const { method, body, env, ctx } = exchange;
  const head = (exchange.head ??= requestHead(exchange));
  const length = body ? body.length : 0;
  const start = (exports, id, guest) => {
    const [handle, size] = guest.hand(head);
    if (object === null) return exports.request(id, handle, size, length);
    return exports.object_request(id, object.number, handle, size, length, guest.keep(data), data.length);
  };
  const replayable = method === "GET" || method === "HEAD";
  exchange.call = new Call({ env, ctx, object, body, replayable, start });
  return exchange.call.run();
}

// drop reads what is left of the body, within bounds.
async function drop({ body, env }) {
  if (body?.left) await body.drop(Math.max(DROPPED_LIMITS * bodyLimit(env), LEAST_DROPPED), callLimit(env));
}

function requestHead({ request, method, url, trace }) {
  let head = `${method} ${url}\nx-request-id: ${trace.id}`;
  if (trace.parent !== null) head += `\ntraceparent: ${trace.parent}`;
  for (const [name, value] of request.headers) if (!OWN.has(name)) head += `\n${name}: ${value}`;
  return head;
}

// pass hands a request to an object's fetch. If the object forwards the request in turn,
// its response has that frame in a header.
async function pass(frame, exchange) {
  const { request, method, url, env, trace, body } = exchange;
  const fail = (text, status) => exchange.end(exchange.fail(text, status));
  if (body?.taken) {
    log.error("the guest forwarded a request whose body it had taken", trace.fields);
    return fail("the guest forwarded a request whose body it had taken");
  }
  const [binding, name] = [frame.text(), frame.text()];
  frame.text(), frame.text(), frame.text(); // protocol and owner are of a socket, and the object says the route
  const writer = new Writer();
  writer.data(frame.rest());
  writer.text(exchange.head); // the client's headers, as it is costly to copy them one by one
  const headers = { [ATTACHMENT]: base64(writer.done().whole()) };
  trace.mark(headers);
  const sends = body !== null && method !== "GET" && method !== "HEAD"; // fetch takes no body with these
  if (sends && body.length >= 0) headers["content-length"] = String(body.length);
  const early = sends ? body.early : null;
  if (early) headers[BODY] = early.error ? message(early.error) : WHOLE;
  let answer;
  try {
    // A Request made of the client's would copy its property cf, too, which costs more than the rest of it.
    answer = await objectStub(env, binding, name).fetch(url, { method, headers, body: early ? early.bytes : sends ? request.body : null, redirect: "manual" });
    if (!sends) await drop(exchange);
  } catch (error) {
    log.error(`an object of ${binding} did not answer`, { error: message(error), ...trace.fields });
    return fail("the server did not reach what keeps this data; send the same again in 5 s", 503);
  }
  const next = answer.headers.get(FORWARD);
  if (next === null) return answer;
  const reader = new Reader(unbase64(next));
  if (reader.byte() === REQUEST) {
    log.error("an object forwarded a request to another object", trace.fields);
    return fail("an object forwarded a request to another object");
  }
  return exchange.end(await forward(reader, exchange));
}

// forward hands an upgrade to a room's fetch, which only this and pass reach; without a
// room's binding it refuses it. The first byte of the frame was read.
function forward(frame, exchange) {
  const binding = frame.text();
  const [name, protocol, owner, route, bytes] = [frame.text(), frame.text(), frame.text(), frame.text(), frame.rest()];
  exchange.route = route;
  const { id } = exchange.trace;
  if (binding === "") return refuse(bytes[0] | (bytes[1] << 8), name, protocol, id, bytes.slice(2));
  const headers = {
    upgrade: "websocket", "x-request-id": id, "x-protocol": protocol, "x-owner": owner, "x-opens": base64(bytes),
  };
  return objectStub(exchange.env, binding, name).fetch("https://room/", { headers });
}

const base64 = (bytes) => bytes.toBase64();
const unbase64 = (text) => Uint8Array.fromBase64(text);

// refuse accepts an upgrade to say why it is rejected: a browser does not show a page
// the HTTP status of an upgrade.
function refuse(code, reason, protocol, id, message = NONE) {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  if (message.length > 0) server.send(message);
  server.close(code, cutReason(reason));
  return switched(client, protocol, id);
}

// openSeveral opens the socket of several documents. The first byte of the frame was read.
function openSeveral(frame, exchange) {
  frame.text();
  const [path, protocol] = [frame.text(), frame.text()];
  frame.text();
  exchange.route = frame.text();
  const { env, ctx, trace } = exchange;
  const full = crowded(env, "", true);
  if (full !== null) return refuse(...full, protocol, trace.id);
  const { 0: client, 1: server } = new WebSocketPair();
  new Several(server, path, exchange, (request) => handle(new Exchange(request, env, ctx)));
  return switched(client, protocol, trace.id);
}

function switched(webSocket, protocol, id) {
  const headers = { "x-request-id": id };
  if (protocol) headers["sec-websocket-protocol"] = protocol;
  return new Response(null, { status: 101, webSocket, headers });
}

let lastObject = 0;

// A Room is a Durable Object whose events the guest decides on. Its sockets
// hibernate: what must survive that is in their attachments {conn, owner, data} and
// in storage.
class Room extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    this.guest = null; // the instance that knows this object, by this.number
    this.calls = 0; // requests and alarms under way in it
    this.alarming = null; // the alarm among them
    this.erased = false; // by the event that runs, which has not ended yet
    this.waiting = []; // what wakes the requests that wait until none is
    this.timer = null;
    this.held = null; // messages that wait for the timer, if it holds any
    this.name = ctx.id.name;
    this.sockets = new Map(); // conn -> WebSocket
    this.numbers = new WeakMap(); // WebSocket -> conn
    this.owners = new Map(); // conn -> owner, unless that is ""
    this.owned = new Map(); // owner -> number of sockets
    for (const ws of ctx.getWebSockets()) {
      const { conn, owner } = ws.deserializeAttachment();
      this.remember(conn, ws, owner ?? ""); // one from before there were owners has none
    }
  }

  get className() {
    return this.constructor.name;
  }

  remember(conn, ws, owner) {
    awakens(this);
    this.sockets.set(conn, ws);
    this.numbers.set(ws, conn);
    if (owner === "") return;
    this.owners.set(conn, owner);
    this.owned.set(owner, (this.owned.get(owner) ?? 0) + 1);
  }

  forget(conn) {
    beforeClose();
    this.sockets.delete(conn);
    const owner = this.owners.get(conn);
    if (owner === undefined) return;
    this.owners.delete(conn);
    const left = this.owned.get(owner) - 1;
    if (left > 0) this.owned.set(owner, left);
    else this.owned.delete(owner);
  }

  // bind chooses the instance that the next event goes to. A request or alarm that waits
  // in one keeps the object there, for two must never act on one object.
  bind() {
    if (this.guest?.dead || (this.calls === 0 && this.guest !== running(this.env))) this.guest = null;
    if (this.guest === null) {
      this.guest = running(this.env);
      this.number = ++lastObject;
    }
    return this.guest;
  }

  // admits says whether a request may begin. An instance that is full begins none.
  admits() {
    return this.calls === 0 || this.guest === running(this.env);
  }

  // begin notes that a request or alarm begins.
  begin() {
    this.bind();
    this.calls++;
  }

  // finish notes that a request or alarm has ended.
  finish() {
    if (--this.calls > 0) return;
    for (const wake of this.waiting.splice(0)) wake();
  }

  // release lets the only call under way take the object to the next instance.
  release() {
    if (this.calls > 1) return false;
    this.guest = null;
    return true;
  }

  // finishErase does the work of erase after its event, unless the instance died in it. The
  // object gets a new number: what the guest knows of it is older than its storage.
  finishErase(died) {
    this.erased = false;
    if (died) return;
    this.ctx.storage.deleteAlarm();
    this.ctx.storage.deleteAll();
    this.number = ++lastObject;
  }

  // event brings the messages that the timer has held, and then an event. It returns the guest's
  // reply, or null if the instance ended in it.
  event(kind, conn, data) {
    this.deliver();
    return this.happen(kind, conn, data);
  }

  deliver() {
    const messages = this.held?.take() ?? [];
    if (messages.length > 0 && this.happen(EVENT_MESSAGES, 0, frameOf(messages)) === null) {
      for (const { conn } of messages) this.close(conn, 1011, "internal error");
    }
  }

  happen(kind, conn, data) {
    const guest = this.bind();
    guest.reply = NONE;
    const [handle, length] = guest.hand(data);
    guest.enter(null, this, (exports) => exports.event(this.number, kind, conn, handle, length));
    eventPoint(this.env, kind === EVENT_TEXT || kind === EVENT_BINARY || kind === EVENT_MESSAGES);
    if (!guest.dead) return guest.reply;
    if (kind !== EVENT_ENTER) this.close(conn, 1011, "internal error");
    return null;
  }

  // call is what OP_CALL reaches; an instance that ends in it is replaced, once.
  call(data) {
    const reply = this.event(EVENT_CALL, 0, data) ?? this.event(EVENT_CALL, 0, data);
    if (reply === null) throw new Error("the instance ended");
    return reply;
  }

  // fetch serves a request that the Worker forwarded, or opens a socket.
  fetch(request) {
    const data = request.headers.get(ATTACHMENT);
    return data === null ? this.open(request.headers) : this.serve(request, new Reader(unbase64(data)));
  }

  serve(request, frame) {
    const exchange = new Exchange(request, this.env, this.ctx);
    const data = frame.take(frame.u32());
    exchange.head = frame.take(frame.u32());
    const outcome = request.headers.get(BODY);
    if (outcome !== null) return this.serveWith(outcome, exchange, data);
    return this.admits() ? this.answer(exchange, data) : this.queue(exchange, data);
  }

  // serveWith serves a request whose body the Worker has read.
  async serveWith(outcome, exchange, data) {
    const { request } = exchange;
    const whole = outcome === WHOLE ? { bytes: new Uint8Array(await request.arrayBuffer()) } : { error: new Error(outcome) };
    exchange.body = new Body(request, whole);
    return this.admits() ? this.answer(exchange, data) : this.queue(exchange, data);
  }

  // queue serves a request when the instance admits it.
  async queue(exchange, data) {
    let timer, late;
    this.alarming?.stopFetches(); // the request waits for the alarm, and for no other server
    while (!this.admits()) { // answer follows without an await: the first that begins may fill the instance
      late ??= new Promise((wake) => (timer = setTimeout(wake, callLimit(this.env), true)));
      if (await Promise.race([late, new Promise((wake) => this.waiting.push(wake))])) {
        return exchange.end(exchange.fail("the object is busy; try again later", 503));
      }
    }
    clearTimeout(timer);
    return this.answer(exchange, data);
  }

  // answer serves a request that the instance admits.
  answer(exchange, data) {
    this.begin();
    let later = false;
    try {
      const answer = serve(exchange, this, data);
      if (isWhole(answer, exchange)) return exchange.end(response(answer, exchange));
      later = true;
      return this.finishAnswer(answer, exchange);
    } finally {
      if (!later) this.finish();
    }
  }

  async finishAnswer(answering, exchange) {
    try {
      const answer = await answering;
      if (answer.forward) return new Response(null, { headers: { [FORWARD]: base64(answer.forward) } });
      await drop(exchange);
      return exchange.end(response(answer, exchange));
    } finally {
      this.finish();
    }
  }

  open(headers) {
    const owner = headers.get("x-owner");
    const protocol = headers.get("x-protocol");
    const id = headers.get("x-request-id");
    const full = crowded(this.env, owner);
    if (full !== null) return refuse(...full, protocol, id);
    const { 0: client, 1: server } = new WebSocketPair();
    const conn = Math.max(0, ...this.sockets.keys()) + 1;
    const data = unbase64(headers.get("x-opens"));
    this.ctx.acceptWebSocket(server);
    server.serializeAttachment({ conn, owner, data: NONE });
    this.remember(conn, server, owner);
    this.event(EVENT_OPEN, conn, data);
    return switched(client, protocol, id);
  }

  // webSocketMessage delivers nothing of a socket that the object has closed: a client need not
  // answer the close.
  webSocketMessage(ws, data) {
    if (ws.readyState !== OPEN) return;
    const conn = this.numbers.get(ws);
    const text = typeof data === "string";
    const bytes = text ? encode(data) : new Uint8Array(data);
    if (this.held?.fits(bytes)) this.held.add(conn, text ? KIND_TEXT : KIND_BINARY, bytes);
    else this.event(text ? EVENT_TEXT : EVENT_BINARY, conn, bytes);
  }

  webSocketClose(ws, code, reason) {
    const conn = this.numbers.get(ws);
    if (!this.sockets.has(conn)) return;
    const bytes = encode(reason);
    const frame = new Uint8Array(2 + bytes.length);
    new DataView(frame.buffer).setUint16(0, code, true);
    frame.set(bytes, 2);
    this.event(EVENT_CLOSE, conn, frame);
    this.forget(conn);
    closeSocket(ws, code, reason);
  }

  webSocketError(ws, error) {
    this.webSocketClose(ws, 1006, message(error).slice(0, 100));
  }

  async alarm() {
    this.begin();
    try {
      this.alarming = new Call({
        env: this.env,
        ctx: this.ctx,
        object: this,
        start: (exports, id) => exports.alarm(id, this.number),
      });
      const answer = await this.alarming.run();
      alarmPoint(this.env, this.alarming.counts);
      if (answer.head !== "200") throw new Error(answer.lost ?? "the alarm failed"); // workerd tries again
    } catch (error) {
      await this.backOff();
      throw error;
    } finally {
      this.alarming = null;
      this.finish();
    }
  }

  // backOff puts off the alarm that a failed one has set, which workerd would not
  // do, if instances have ended in this object.
  async backOff() {
    const { storage } = this.ctx;
    const ends = this.ends();
    const next = ends > 0 ? await storage.getAlarm() : null;
    if (next === null) return;
    const wait = Math.min(ALARM_BACKOFF_MS * 2 ** (ends - 1), ALARM_BACKOFF_LIMIT_MS);
    await storage.setAlarm(Math.max(next, Date.now() + wait));
  }

  // ended notes that an instance has ended in an event or alarm of this object.
  ended() {
    this.ctx.storage.kv.put("ends", this.ends() + 1);
  }

  // What follows is what the guest does to this object in an event.

  ends() {
    return this.ctx.storage.kv.get("ends") ?? 0;
  }

  forgive() {
    this.ctx.storage.kv.delete("ends");
  }

  exec(statements) {
    const run = () => this.run(statements);
    return new Writer().results(statements.length === 1 ? run() : this.ctx.storage.transactionSync(run));
  }

  try(statements) {
    let results;
    try {
      this.ctx.storage.transactionSync(() => {
        results = this.run(statements);
        throw UNDO;
      });
    } catch (error) {
      if (error !== UNDO) throw error;
    }
    return new Writer().results(results);
  }

  run(statements) {
    if (this.erased) throw new Error("the event has erased the object");
    const { sql: database } = this.ctx.storage;
    // rowsWritten of a cursor counts the rows of indexes, too.
    const changed = () => database.exec("SELECT total_changes()").raw().next().value[0];
    let before = statements.every(({ sql }) => SELECT.test(sql)) ? null : changed();
    return statements.map(({ sql, args }) => {
      const cursor = database.exec(sql, ...args);
      const rows = [...cursor.raw()];
      const columns = cursor.columnNames;
      if (SELECT.test(sql)) return { changes: 0, columns, rows };
      const after = changed();
      const changes = after - before;
      before = after;
      return { changes, columns, rows };
    });
  }

  erase() {
    this.erased = true;
  }

  size() {
    return this.erased ? 0 : Math.ceil(this.ctx.storage.sql.databaseSize / 1024);
  }

  conns() {
    const writer = new Writer();
    for (const [conn, ws] of this.sockets) {
      writer.u32(conn);
      writer.data(ws.deserializeAttachment().data);
    }
    return writer.done();
  }

  send(conns, data) {
    let sent = 0;
    for (const ws of conns.length > 0 ? conns.map((conn) => this.sockets.get(conn)) : this.sockets.values()) {
      try {
        ws?.send(data);
        if (ws) sent++;
      } catch {} // it is closing; its close event follows
    }
    return sent;
  }

  close(conn, code, reason) {
    const ws = this.sockets.get(conn);
    if (ws) closeSocket(ws, code, reason);
  }

  attach(conn, data) {
    this.sockets.get(conn)?.serializeAttachment({ conn, owner: this.owners.get(conn) ?? "", data });
  }

  setAlarm(millis) {
    if (millis === 0) this.ctx.storage.deleteAlarm();
    else this.ctx.storage.setAlarm(millis);
  }

  // setTimer sets the timer unless one is set. The object stays awake meanwhile.
  setTimer(millis, holds) {
    if (this.timer !== null) return;
    if (holds) this.held = new Held();
    this.timer = setTimeout(() => {
      this.deliver();
      this.timer = this.held = null;
      this.happen(EVENT_TIMER, 0, NONE);
    }, millis);
  }

  autoreply(ping, pong) {
    this.ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(ping, pong));
  }
}

export class SyncRoom extends Room {}
export class YjsRoom extends Room {}
export class Space extends Room {}
export class SpaceYjsRoom extends Room {}
