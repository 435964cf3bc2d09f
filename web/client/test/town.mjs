// A server, its network and its people, for tests of what several people do on one device. It knows tokens, tickets,
// notifications, and sync of one table. Each subject sees its own rows alone. Time is that of the mocked timers.
import assert from "node:assert/strict";
import { mock } from "node:test";
import { none, settle } from "./memory.mjs";

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const json = (status, body) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });

/** Lets time pass in steps, which promises and messages of the platform can follow. */
export async function passes(millis, step = 50) {
  for (let at = 0; at < millis; at += step) {
    mock.timers.tick(step);
    for (let turn = 0; turn < 3; turn++) {
      await settle();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

export class Town {
  tokens = new Map(); // the subjects of valid tokens
  sent = []; // every request: path and token
  faults = []; // writes under a token that is not the author's
  rows = new Map(); // by id: { row, author, stamp, deleted }
  sockets = new Set();
  online = true;
  #issued = 0;
  #stamp = 1;
  #tickets = new Map();

  /** millis returns how long a message travels, and lost whether a response is lost. */
  constructor({ millis = () => 0, lost = () => false } = {}) {
    Object.assign(this, { millis, lost });
  }

  /** Puts the town in the place of the network, and returns a function that undoes it. */
  open() {
    const real = { fetch: globalThis.fetch, WebSocket: globalThis.WebSocket };
    const town = this;
    globalThis.fetch = (url, init) => this.#fetch(new URL(url), init);
    globalThis.WebSocket = class {
      readyState = 0;
      constructor(url) {
        const subject = town.#tickets.get(new URL(url).searchParams.get("ticket"));
        setTimeout(() => {
          if (!town.online || this.readyState === 3) return this.end(1006);
          Object.assign(this, { readyState: 1, subject });
          town.sockets.add(this);
          this.onopen?.({});
          this.say({ type: "hello", table: "" });
        }, town.millis());
      }
      send(text) {
        if (text === "ping") setTimeout(() => this.readyState === 1 && this.onmessage?.({ data: "pong" }), town.millis());
      }
      say(message) {
        this.onmessage?.({ data: JSON.stringify(message) });
      }
      close() {
        this.end(1000);
      }
      end(code) {
        if (this.readyState === 3) return;
        this.readyState = 3;
        town.sockets.delete(this);
        this.onclose?.({ code, reason: "" });
      }
    };
    return () => Object.assign(globalThis, real);
  }

  issue(subject) {
    const token = `e30.${encode({ sub: subject, n: ++this.#issued })}.`;
    this.tokens.set(token, subject);
    return token;
  }

  revoke(token) {
    const subject = this.tokens.get(token);
    this.tokens.delete(token);
    for (const socket of [...this.sockets]) if (socket.subject === subject) socket.end(4401);
  }

  disconnect() {
    this.online = false;
    for (const socket of [...this.sockets]) socket.end(1006);
  }

  async #fetch({ pathname, searchParams }, { headers, body, signal }) {
    const token = new Headers(headers).get("authorization").slice("Bearer ".length);
    this.sent.push({ path: pathname, token });
    const gone = new Promise((_, reject) => signal?.addEventListener("abort", () => reject(new Error("aborted"))));
    gone.catch(() => {});
    const travel = () => Promise.race([gone, new Promise((resolve) => setTimeout(resolve, this.millis()))]);
    await travel();
    if (!this.online) throw new TypeError("fetch failed");
    const answer = this.#answer(pathname, this.tokens.get(token), JSON.parse(searchParams.get("input") ?? body ?? "null"));
    await travel();
    if (!this.online || this.lost()) throw new TypeError("the response is lost");
    return answer;
  }

  #answer(path, subject, input) {
    if (subject === undefined) return json(401, { error: { message: "no", data: { httpStatus: 401 } } });
    if (path === "/auth/ticket") {
      const ticket = String(this.#tickets.size);
      this.#tickets.set(ticket, subject);
      return json(200, { ticket });
    }
    assert.match(path, /^\/trpc\/sync\.(pull|push)$/);
    return json(200, { result: { data: path.endsWith("pull") ? this.#pull(subject, input) : this.#push(subject, input) } });
  }

  #pull(subject, { lastPulledAt }) {
    const found = [...this.rows.values()].filter(({ author, stamp }) => author === subject && stamp > (lastPulledAt ?? 0));
    const updated = found.filter(({ deleted }) => !deleted).map(({ row }) => row);
    const deleted = found.filter((entry) => entry.deleted).map(({ row }) => row.id);
    return { changes: { notes: { created: [], updated, deleted }, tasks: none() }, timestamp: this.#stamp };
  }

  #push(subject, { changes: { notes } }) {
    const put = (row, deleted) => this.rows.set(row.id, { row, author: subject, stamp: ++this.#stamp, deleted });
    for (const { _status, _changed, ...row } of [...notes.created, ...notes.updated]) {
      this.#check(row.title, row.id, subject);
      put(row, false);
    }
    for (const id of notes.deleted) {
      this.#check(this.rows.get(id)?.author ?? subject, id, subject);
      put({ id }, true);
    }
    for (const socket of this.sockets) if (socket.subject === subject) setTimeout(() => socket.say({ type: "change", table: "notes" }), this.millis());
    return { superseded: {}, rejected: {} };
  }

  // The title of a note is its author.
  #check(author, id, subject) {
    const { author: before = author } = this.rows.get(id) ?? {};
    if (author !== subject || before !== subject) this.faults.push(`${subject} writes ${id} of ${author}, which was ${before}'s`);
  }
}
