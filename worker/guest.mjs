// One running instance of the Go program, shared by every request and every
// Durable Object of the isolate, and the calls that it works on. Package
// shared/abi documents what the two sides say to each other.
import "../build/wasm_exec.js";
import wasm from "../build/worker.wasm";
import { Reader, UTF8_TIMES, Writer, decode, encode, encodeInto } from "./frame.mjs";
import { fetchFrame } from "./fetch.mjs";
import * as log from "./log.mjs";
import { Counts, ofEvents } from "./metrics.mjs";
import { objectStub } from "./object.mjs";
import { countEnd, countFrame, overview } from "./overview.mjs";
import { verifyFrame } from "./signature.mjs";

const ABI = "tidemark_abi_6"; // Module of package abi
checkABI();
const VALUES = valuesOf(wasm);

// checkABI throws unless the guest was built for this ABI: the module of its imports says so.
function checkABI() {
  const number = (module) => module.replace(/^tidemark_abi_/, "");
  const modules = WebAssembly.Module.imports(wasm).map(({ module }) => module);
  const guest = modules.find((module) => module.startsWith("tidemark_abi_"));
  if (guest === ABI) return;
  const built = guest ? `was built for the host ABI ${number(guest)}` : "names no number of the host ABI";
  throw new Error(`the guest ${built}, and this host implements ${number(ABI)}`);
}

// valuesOf returns the JavaScript values that the program holds before boot: see snapshot.mjs.
function valuesOf(wasm) {
  const [section] = WebAssembly.Module.customSections(wasm, "tidemark_values");
  if (section === undefined) throw new Error("the guest has no snapshot of its memory: worker/snapshot.mjs makes it");
  return JSON.parse(decode(new Uint8Array(section)));
}

const OP_D1 = 1, OP_CALL = 2, OP_ENTER = 3, OP_SLEEP = 4, OP_BODY = 5, OP_FETCH = 6, OP_VERIFY = 7;
export const EVENT_OPEN = 1, EVENT_TEXT = 2, EVENT_BINARY = 3, EVENT_CLOSE = 4, EVENT_CALL = 5, EVENT_ENTER = 6,
  EVENT_TIMER = 7, EVENT_MESSAGES = 8;
export const KIND_TEXT = 1, KIND_BINARY = 2;
const START = "TIDEMARK_START"; // StartVariable of package abi

const LIMIT_CALL_MS = 60_000; // variable LIMIT_CALL_MS
const LIMIT_MEMORY_MB = 112; // variable LIMIT_MEMORY_MB; an isolate has 128
const MOST_AGAIN = 3; // as package abi says
const INBOX_BYTES = 16 << 10; // as package abi says
const NONE = new Uint8Array(0);
const SMALL_BODY = 512, BODIES_BYTES = 16 << 10; // of responses

export const callLimit = (env) => Number(env.LIMIT_CALL_MS) || LIMIT_CALL_MS;

let current = null; // the guest for new events, or null: the next one boots it
let lastCall = 0;

// running returns the guest for a new event. Booting is synchronous, and not
// done at global scope, where workerd forbids random values.
export function running(env) {
  return (current ??= new Guest(env));
}

class Guest {
  constructor(env) {
    this.calls = new Map(); // number -> Call
    this.handles = new Map(); // number -> bytes
    this.lastHandle = 0;
    this.dead = false;
    this.ends = "failed"; // the reason, if it ends
    this.call = null; // whose export is running
    this.object = null; // whose event is running
    this.reply = NONE;
    this.bodies = NONE; // what is left of a buffer for small bodies of responses
    this.counting = env.METRICS !== undefined; // otherwise nobody reads what is counted
    this.budget = (Number(env.LIMIT_MEMORY_MB) || LIMIT_MEMORY_MB) << 20;

    this.env = env;
    globalThis.context = { env }; // syumai/workers finds our database in it
    const go = new Go();
    go.exit = () => {}; // go.exited says it
    // A timer belongs to the request that is running and wakes Go in it, or
    // never. The guest waits by ops; only Go's scavenger asks for timers.
    go.importObject.gojs["runtime.scheduleTimeoutEvent"] = (sp) => go.mem.setInt32((sp >>> 0) + 16, 0, true);
    // Growing beyond the budget ends the instance, before workerd ends the isolate.
    const grown = go.importObject.gojs["runtime.resetMemoryDataView"];
    go.importObject.gojs["runtime.resetMemoryDataView"] = (sp) => {
      grown(sp);
      if (go.mem.byteLength > this.budget) {
        this.ends = "memory";
        throw new Error("out of its memory budget");
      }
    };
    go.importObject[ABI] = safely(this.imports());
    // Only the guests of the tests import it: docs/abi.md.
    go.importObject.tidemark_test = { handles: () => this.handles.size };
    const instance = new WebAssembly.Instance(wasm, go.importObject);
    goOn(go, instance);
    this.go = go;
    this.exports = instance.exports;
    this.memory = instance.exports.mem;
    this.inboxAt = this.exports.inbox() >>> 0;
    this.renew();
    if (this.exports.boot() !== 0) go._resume();
    if (go.exited) throw new Error("the guest ended while booting");
  }

  // enter runs an export for a call, or for an event of an object, and after
  // it every goroutine that it made ready: the export returns whether there may be one. The export
  // acts on object.
  enter(call, object, run) {
    this.call = call;
    this.object = object;
    try {
      if (run(this.exports) !== 0) this.go._resume();
    } catch (error) {
      if (!this.go.exited) log.error("the instance failed", { error: error?.stack ?? message(error) });
      this.dead = true;
    }
    this.call = null;
    this.object = null;
    if (this.dead || this.go.exited) {
      (object ?? call?.object)?.ended();
      this.die(call);
    } else if (current === this && this.full()) current = null; // ends with its calls
    if (object?.erased) object.finishErase(this.dead);
  }

  // full says whether new calls belong to a new instance, as linear memory never shrinks.
  full() {
    return this.memory.buffer.byteLength > 0.75 * this.budget;
  }

  die(guilty) {
    this.dead = true;
    countEnd(this.ends);
    if (this.counting) ofEvents().add("tidemark_instances_ended_total", 1);
    if (current === this) current = null;
    this.handles.clear();
    for (const call of this.calls.values()) call.lost(call === guilty);
    this.calls.clear();
  }

  // keep holds bytes, or a Writer's frame, until the guest takes them; 0 is none.
  keep(bytes) {
    if (bytes.length === 0) return 0;
    this.handles.set(++this.lastHandle, bytes);
    return this.lastHandle;
  }

  // hand hands a text, bytes or a Writer's frame to the export that runs next, in the inbox if
  // they fit: a handle costs more. It returns the handle and the length.
  hand(what) {
    if (what.lent) return [0, what.length];
    if (typeof what === "string") {
      if (what.length * UTF8_TIMES <= INBOX_BYTES) return [0, encodeInto(what, this.inbox())];
      what = encode(what);
    }
    if (what.length > INBOX_BYTES) return [this.keep(what), what.length];
    const inbox = this.inbox();
    let at = 0;
    for (const part of what.parts ?? [what]) {
      inbox.set(part, at);
      at += part.length;
    }
    return [0, at];
  }

  // memoryView is what the guest's memory is now: growing detaches older views.
  memoryView() {
    if (this.view.length === 0) this.renew();
    return this.view;
  }

  inbox() {
    if (this.view.length === 0) this.renew();
    return this.inboxView;
  }

  // writer returns a Writer of a frame that is handed over at once.
  writer() {
    return new Writer(this.inbox());
  }

  renew() {
    const { buffer } = this.memory;
    this.view = new Uint8Array(buffer);
    this.inboxView = new Uint8Array(buffer, this.inboxAt, INBOX_BYTES);
  }

  // copy brings bytes out of the guest's memory.
  copy(ptr, length) {
    return this.memoryView().slice(ptr >>> 0, (ptr >>> 0) + length);
  }

  // body is copy for a response's body. Small ones share a buffer, as a buffer costs more than they do.
  body(ptr, length) {
    if (length > SMALL_BODY) return this.copy(ptr, length);
    if (length > this.bodies.length) this.bodies = new Uint8Array(BODIES_BYTES);
    const body = this.bodies.subarray(0, length);
    this.bodies = this.bodies.subarray(length);
    body.set(this.memoryView().subarray(ptr >>> 0, (ptr >>> 0) + length));
    return body;
  }

  // reader reads what the guest goes on to change: its caller reads all of it at once.
  reader(ptr, length) {
    const memory = this.memoryView();
    return new Reader(memory.subarray(ptr >>> 0, (ptr >>> 0) + length), memory);
  }

  // frame reads at once what must be read before the guest goes on.
  frame(kind, ptr, length) {
    if (kind !== OP_D1 && kind !== OP_CALL) return { reader: new Reader(this.copy(ptr, length)) };
    const reader = this.reader(ptr, length);
    if (kind === OP_D1) return { binding: reader.text(), statements: reader.statements() };
    return { binding: reader.text(), room: reader.text(), data: reader.joined() };
  }

  text(ptr, length) {
    return decode(this.memoryView().subarray(ptr >>> 0, (ptr >>> 0) + length));
  }

  // failure keeps an error's text and answers its handle, negated.
  failure(error) {
    return -this.keep(encode(message(error)));
  }

  // execute runs the statements of a frame by a method of the object, exec or try.
  execute(how, ptr, length) {
    try {
      return this.keep(this.object[how](this.reader(ptr, length).statements()));
    } catch (error) {
      return this.failure(error);
    }
  }

  // variable returns a variable of the guest, "" if there is none, or if it is 0 or false.
  variable(name) {
    if (name === START) return this.env.VERSION?.id ?? "";
    return String(this.env[name] || "");
  }

  // count takes a frame of what a call has counted, or with 0 the event that is running.
  count(call, ptr, length) {
    const of = this.calls.get(call);
    const object = of ? of.object : this.object;
    countFrame(this.reader(ptr, length), object);
    if (this.counting) (of ? of.counts : ofEvents()).report(this.copy(ptr, length), object);
  }

  imports() {
    return {
      env: (name, length) => this.keep(encode(this.variable(this.text(name, length)))),
      ready() {},
      size: (handle) => this.handles.get(handle)?.length ?? 0,
      take: (handle, ptr) => {
        const bytes = this.handles.get(handle);
        let at = ptr >>> 0;
        for (const part of bytes.parts ?? [bytes]) {
          this.memoryView().set(part, at);
          at += part.length;
        }
        this.handles.delete(handle);
      },
      read: (handle, ptr, length) => {
        const bytes = this.handles.get(handle);
        const parts = (bytes.parts ??= [bytes]);
        for (let at = ptr >>> 0; length > 0 && parts.length > 0; ) {
          const part = parts[0].subarray(0, length);
          this.memoryView().set(part, at);
          at += part.length;
          length -= part.length;
          if (part.length === parts[0].length) parts.shift();
          else parts[0] = parts[0].subarray(part.length);
        }
      },
      drop: (handle) => void this.handles.delete(handle),
      count: (call, ptr, length) => this.count(call, ptr, length),
      overview: () => this.keep(encode(overview(this.env, this.memory.buffer.byteLength))),
      full: () => Number(this.full()),
      again: (call) => Number(this.calls.get(call)?.again() ?? false),
      op: (call, id, kind, ptr, length) => this.calls.get(call)?.post({ id, kind, ...this.frame(kind, ptr, length) }),
      write: (call, ptr, length) => this.calls.get(call)?.write(length > 0 ? this.copy(ptr, length) : null),
      respond: (call, head, headLength, body, bodyLength) => {
        const c = this.calls.get(call);
        c?.respond({ head: this.text(head, headLength), body: this.body(body, bodyLength), parts: c.parts });
      },
      forward: (call, ptr, length) => this.calls.get(call)?.respond({ forward: this.copy(ptr, length) }),

      object_name: () => this.keep(encode(this.object.className + "\0" + this.object.name)),
      object_acts: (call) => Number(this.object !== null && this.call?.id === call),
      object_exec: (ptr, length) => this.execute("exec", ptr, length),
      object_try: (ptr, length) => this.execute("try", ptr, length),
      object_erase: () => this.object.erase(),
      object_size: () => this.object.size(),
      object_conns: () => this.keep(this.object.conns()),
      object_send: (conns, n, kind, ptr, length) => {
        const to = new Reader(this.copy(conns, 4 * n));
        const ids = Array.from({ length: n }, () => to.u32());
        return this.object.send(ids, kind === KIND_TEXT ? this.text(ptr, length) : this.copy(ptr, length));
      },
      object_close: (conn, code, ptr, length) => this.object.close(conn, code, this.text(ptr, length)),
      object_attach: (conn, ptr, length) => this.object.attach(conn, this.copy(ptr, length)),
      object_alarm: (millis) => this.object.setAlarm(millis),
      object_timer: (millis, holds) => this.object.setTimer(millis, holds !== 0),
      object_timer_set: () => Number(this.object.timer !== null),
      object_autoreply: (ping, pingLength, pong, pongLength) =>
        this.object.autoreply(this.text(ping, pingLength), this.text(pong, pongLength)),
      object_reply: (ptr, length) => {
        this.reply = this.copy(ptr, length);
      },
      object_ends: () => this.object.ends(),
      object_forgive: () => this.object.forgive(),
    };
  }
}

// goOn does what Go's run does, but for starting the program: the module has what it had in its
// memory when it waited for boot. snapshot.mjs made it.
function goOn(go, instance) {
  go._inst = instance;
  go.mem = new DataView(instance.exports.mem.buffer);
  go.exited = false;
  go._resolveExitPromise = () => {}; // it belongs to the request that boots; go.exited says enough
  go._values = [NaN, 0, null, true, false, globalThis, go];
  go._goRefCounts = new Array(go._values.length).fill(Infinity);
  go._ids = new Map(go._values.slice(1).map((value, n) => [value, n + 1]));
  for (const place of VALUES.values) {
    const [object, name, count] = place ?? [];
    const value = place && go._values[object][name];
    if (place) go._ids.set(value, go._values.length);
    go._values.push(value);
    go._goRefCounts.push(count ?? 0);
  }
  go._idPool = [...VALUES.free];
}

// safely makes imports answer 0 where they would throw into Go.
function safely(imports) {
  const wrap = (name, f) => (...args) => {
    try {
      return f(...args);
    } catch (error) {
      log.error(`the import ${name} failed`, { error: error?.stack ?? message(error) });
      return 0;
    }
  };
  return Object.fromEntries(Object.entries(imports).map(([name, f]) => [name, wrap(name, f)]));
}

export const message = (error) => (error instanceof Error ? error.message : String(error));

// A Call is one request or alarm. workerd ties promises, timers and responses
// to the request that is running, and Go may run this call's goroutine in
// another's: so whatever needs this request's context happens in drive.
export class Call {
  // start(exports, id, guest) calls the export that begins it; object is the Durable
  // Object whose request or alarm it is, or null, and body the request's. A call that may
  // be replayed moves to the next instance if another call ended this one.
  constructor({ env, ctx, object = null, body = null, start, replayable = false }) {
    this.env = env;
    this.ctx = ctx;
    this.object = object;
    this.body = body;
    this.start = start;
    this.replayable = replayable;
    this.restart = false;
    this.moves = 0;
    this.counted = null; // Counts, if it has any
    this.fetches = null; // the controller of all of them
    this.wake = () => {};
  }

  get counts() {
    return (this.counted ??= new Counts());
  }

  // run returns {head, parts, body}, the body being the last part, or {forward}, or {lost: reason}: at once, if
  // the call waits for nothing, or a promise of it.
  run() {
    this.begin();
    if (this.finished()) {
      this.end();
      return this.answer;
    }
    return new Promise((resolve) => this.ctx.waitUntil(this.drive(resolve)));
  }

  begin() {
    this.answer = null;
    this.parts = []; // of the answer's body
    this.queue = []; // ops to start in this request's context
    this.pending = 0; // ops under way
    this.beginning = true;
    this.wantsBody = null; // the op for the body, which was read early
    this.id = ++lastCall;
    this.guest = this.object ? this.object.bind() : running(this.env);
    this.guest.calls.set(this.id, this);
    this.guest.enter(this, this.object, (exports) => this.start(exports, this.id, this.guest));
    this.beginning = false;
    if (this.wantsBody !== null && this.guest.calls.get(this.id) === this) this.giveBody(this.wantsBody);
  }

  // giveBody settles the op for a body that was read early.
  giveBody({ id, reader }) {
    this.replayable = false;
    try {
      this.settle(id, 1, this.body.takeEarly(reader.u32()));
    } catch (error) {
      this.settle(id, 0, message(error));
    }
  }

  settle(op, ok, result) {
    const { guest } = this;
    const [handle, length] = guest.hand(result);
    guest.enter(this, this.object, (exports) => exports.settle(op, ok, handle, length));
  }

  fetching() {
    return (this.fetches ??= new AbortController());
  }

  // stopFetches ends the fetches of the call, which fail, as do those that follow.
  stopFetches() {
    this.fetching().abort();
  }

  finished() {
    return this.answer !== null && this.pending === 0 && this.queue.length === 0;
  }

  end() {
    clearTimeout(this.timer);
    this.guest.calls.delete(this.id);
  }

  async drive(resolve) {
    this.timer = setTimeout(() => this.expire(), callLimit(this.env));
    for (;;) {
      while (this.restart) {
        this.restart = false;
        this.begin();
      }
      for (const op of this.queue.splice(0)) this.perform(op);
      if (this.answer) resolve(this.answer);
      if (this.finished()) break;
      await new Promise((wake) => (this.wake = wake));
    }
    this.end();
  }

  post(op) {
    if (this.beginning && op.kind === OP_BODY && this.body?.early) {
      this.wantsBody = op;
      return;
    }
    if (this.guest.call === this) return this.perform(op);
    this.queue.push(op);
    this.wake();
  }

  // write keeps a part of the answer's body, or with null drops those before.
  write(part) {
    if (part === null) this.parts = [];
    else this.parts.push(part);
  }

  respond(answer) {
    this.answer ??= answer;
    this.wake();
  }

  // again has the next instance begin the call, if nothing of it was done.
  again() {
    const fresh = this.replayable || (this.body !== null && this.body.length !== 0 && !this.body.taken);
    if (!fresh || this.answer !== null || this.moves === MOST_AGAIN) return false;
    if (this.object && !this.object.release()) return false;
    this.moves++;
    this.guest.calls.delete(this.id);
    this.restart = true;
    this.wake();
    return true;
  }

  // lost: the instance ended under this call.
  lost(guilty) {
    this.queue = [];
    this.pending = 0;
    if (!guilty && this.replayable && this.answer === null) {
      this.replayable = false;
      this.restart = true;
    }
    if (!this.restart) this.answer ??= { lost: "the instance ended" };
    this.wake();
  }

  // expire gives up what outlived its limit.
  expire() {
    this.guest.enter(this, null, (exports) => exports.cancel(this.id));
    this.queue = [];
    this.pending = 0;
    this.answer ??= { lost: "the request took too long" };
    this.wake();
  }

  perform(op) {
    this.pending++;
    const guest = this.guest;
    const settle = (ok, result) => {
      if (guest.dead) return;
      if (guest.calls.get(this.id) === this) this.pending--;
      const [handle, length] = guest.hand(result);
      guest.enter(this, this.object, (exports) => exports.settle(op.id, ok, handle, length));
      this.wake();
    };
    const settled = (result) => {
      let frame = result;
      try {
        if (op.kind === OP_D1) frame = guest.writer().results(result);
      } catch (error) {
        return settle(0, message(error)); // there is no memory for it
      }
      settle(1, frame);
    };
    this.op(op).then(settled, (error) => settle(0, message(error)));
  }

  // batch runs the statements of OP_D1, and returns results for a Writer.
  async batch(binding, statements) {
    const db = this.env[binding];
    const start = Date.now();
    const results = await db.batch(statements.map(({ sql, args }) => db.prepare(sql).bind(...args)));
    if (this.guest.counting) this.counts.add("tidemark_batch_seconds", (Date.now() - start) / 1000);
    return results.map(({ results: rows, meta }) => ({
      changes: meta.changes ?? 0,
      columns: rows.length > 0 ? Object.keys(rows[0]) : [],
      rows: rows.map(Object.values),
    }));
  }

  async op({ id, kind, reader, binding, room, data, statements }) {
    switch (kind) {
      case OP_D1:
        return this.batch(binding, statements);
      case OP_CALL:
        return objectStub(this.env, binding, room).call(data);
      case OP_ENTER:
        await null; // until the export that posted this has returned: one that ends in another ends both
        if (this.guest.dead) return NONE;
        this.object.deliver();
        if (!this.guest.dead) this.object.happen(EVENT_ENTER, id, NONE); // the next instance knows no such op
        return NONE;
      case OP_SLEEP:
        await new Promise((wake) => setTimeout(wake, reader.f64()));
        return NONE;
      case OP_BODY:
        this.replayable = false;
        if (this.body === null) throw new Error("there is no body");
        return this.body.take(reader.u32());
      case OP_FETCH:
        return fetchFrame(reader, this.env, this.fetching().signal);
      case OP_VERIFY:
        return verifyFrame(reader);
    }
    throw new Error(`no op ${kind}`);
  }
}
