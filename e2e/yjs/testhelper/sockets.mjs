// The worker of wire.mjs.
import { workerData } from "node:worker_threads";
import { WebSocket } from "ws";

const { port, said } = workerData;
const sockets = new Map();

function say(message) {
  port.postMessage(message);
  Atomics.add(said, 0, 1);
  Atomics.notify(said, 0);
}

port.on("message", ({ id, url, data }) => {
  if (url) {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    sockets.set(id, socket);
    socket.on("open", () => say({ id, open: true }));
    socket.on("message", (bytes) => say({ id, data: new Uint8Array(bytes) }));
    socket.on("close", (code, reason) => say({ id, closed: `${code} ${reason}` }));
    socket.on("error", () => {}); // the close follows
  } else if (data) {
    sockets.get(id).send(data);
  } else {
    sockets.get(id).terminate();
  }
});
