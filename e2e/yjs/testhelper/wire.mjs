// Sockets for synchronous code, as yjs's testHelper is. A worker thread has the sockets, and
// the caller blocks until a response is there.
import { MessageChannel, Worker, receiveMessageOnPort } from "node:worker_threads";

const patience = 600_000;

// A Wire has any number of sockets.
export class Wire {
  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    this.said = new Int32Array(new SharedArrayBuffer(4)); // how often the worker said something
    this.links = new Map();
    this.worker = new Worker(new URL("sockets.mjs", import.meta.url), { workerData: { port: port2, said: this.said }, transferList: [port2] });
  }

  open(url) {
    const link = { id: this.links.size, inbox: [], up: false };
    this.links.set(link.id, link);
    this.port.postMessage({ id: link.id, url });
    this.until(() => link.up);
    return link;
  }

  send(link, data) {
    this.port.postMessage({ id: link.id, data });
  }

  // cut ends a socket as a lost connection does. Messages under way may be lost.
  cut(link) {
    link.cut = true;
    this.port.postMessage({ id: link.id });
  }

  // pump moves received messages into the inboxes.
  pump() {
    for (let got; (got = receiveMessageOnPort(this.port)); ) {
      const { id, open, data, closed } = got.message;
      const link = this.links.get(id);
      if (open) link.up = true;
      if (data) link.inbox.push(data);
      if (closed && !link.cut) throw new Error(`the server closed a socket: ${closed}`);
    }
  }

  // until pumps and blocks until a condition is true. Any message is not enough: a room
  // sends one every 25 seconds.
  until(condition) {
    for (const end = Date.now() + patience; Date.now() < end; ) {
      const seen = Atomics.load(this.said, 0);
      this.pump();
      if (condition()) return;
      Atomics.wait(this.said, 0, seen, patience);
    }
    throw new Error("what was waited for did not come within ten minutes");
  }

  async close() {
    await this.worker.terminate();
    this.port.close();
  }
}
