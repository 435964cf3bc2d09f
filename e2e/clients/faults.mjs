// The dice of the random tests, the faults of their networks, and devices on such a network.
import assert from "node:assert/strict";

// dice returns a function that returns a random integer from 0 to n-1 (mulberry32).
export function dice(seed) {
  let a = Math.imul(seed, 0x9e3779b1);
  return (n) => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

const lost = () => Promise.reject(new TypeError("the network failed"));

// The faults of a network. Each gets a function that delivers the request, and the list of
// requests to deliver later.
export const faults = {
  lost,
  unheard: (deliver) => deliver().then(lost),
  twice: (deliver) => deliver().then(deliver),
  late: (deliver, later) => (later.push(deliver), lost()),
  "heard again": (deliver, later) => (later.push(deliver), deliver()),
};

// hear waits for the whole response, whose status must be 200.
export async function hear(url, init) {
  const answer = await fetch(url, init);
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return new Response(text, answer);
}

// A FaultyDevice has a client whose fetch is the device's. A subclass makes the client and the name, and edits.
// The world delivers requests, compares a device with what the server has, and tells the story.
export class FaultyDevice {
  constructor(world, index) {
    this.world = world;
    this.random = dice(world.seed * 16 + index + 1);
  }

  pick(list) {
    return list[this.random(list.length)];
  }

  // fetch is the device's network, with its faults.
  async fetch(url, init) {
    if (init.method === "POST") await this.world.compare(this);
    await this.perhapsEdit();
    const deliver = () => this.world.deliver(url, init);
    const fault = this.requests-- === 0 ? faults[this.fault] : (go) => go();
    const answer = await fault(deliver, this.world.late);
    await this.perhapsEdit();
    return answer;
  }

  // sync may fail only by the network.
  async sync(fault) {
    this.fault = fault;
    this.requests = fault ? this.random(this.client.limit ? 5 : 2) : Infinity;
    this.syncing = true;
    let between;
    const error = await this.client.sync({ onDidPullChanges: () => void (between = this.perhapsEdit()) }).then(() => undefined, (e) => e);
    await between;
    this.syncing = false;
    const { pulled, pushed } = this.client;
    this.world.tell(`${this.name} syncs${fault ? `, ${fault}` : ""}: ${error ?? `${pulled} rows, ${pushed ? JSON.stringify(pushed) : "no push"}`}`);
    if (error && !/the network failed/.test(error.message)) throw error;
    if (!error && !pushed) await this.world.compare(this);
  }

  // perhapsEdit makes an edit during some syncs.
  async perhapsEdit() {
    if (this.syncing && !this.world.settling && this.random(6) === 0) await this.edit();
  }
}
