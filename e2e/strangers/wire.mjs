// HTTP and WebSockets as bytes on a connection. A test can send bytes that no client would.
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const patience = 600_000; // only a failure takes so long

// exchange sends bytes, then more(head) when the response's head is there, and ends its half
// of the connection. It returns everything from the server until the server ends the other
// half or closes a WebSocket: workerd then keeps the connection for 10 s. A connection may
// break.
export function exchange(url, bytes, more) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const parts = [];
    let told = false;
    socket.setTimeout(patience, () => socket.destroy(new Error("the server keeps the connection")));
    socket.on("error", (error) => (error.code ? undefined : reject(error)));
    socket.on("close", () => resolve(Buffer.concat(parts)));
    socket.on("end", () => socket.destroy());
    socket.on("connect", () => (more ? socket.write(bytes) : socket.end(bytes)));
    socket.on("data", (data) => {
      parts.push(data);
      if (!more) return;
      const said = Buffer.concat(parts);
      if (told) return void (closes(said).length > 0 && socket.destroy());
      if (!said.includes("\r\n\r\n")) return;
      socket.end(more(said.toString("latin1")));
      told = true;
    });
  });
}

// converse sends bytes. Where a step is a number, it waits for so many milliseconds. It
// returns everything from the server until the end of the connection.
export async function converse(url, steps) {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) }).setEncoding("utf8");
  let said = "";
  const ended = new Promise((resolve, reject) => {
    socket.setTimeout(patience, () => socket.destroy(new Error("the server keeps the connection")));
    socket.on("error", (error) => (error.code ? undefined : reject(error)));
    socket.on("data", (text) => (said += text));
    socket.on("close", () => resolve(said));
  });
  for (const step of steps) {
    if (typeof step === "number") await sleep(step);
    else if (step.length > 0) socket.write(step);
  }
  return ended;
}

// status returns the status of the first response that is not 100, or 0 without one.
export function status(said) {
  const text = said.toString("latin1").replace(/^(HTTP\/1\.1 100 [^]*?\r\n\r\n)+/, "");
  return Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0);
}

const framing = new Set(["content-length", "transfer-encoding", "connection", "host", "expect", "upgrade"]);

// request returns the bytes of a request that a server can parse. It removes the characters
// that would end its parts. Headers are lines.
export function request({ method, path, header, body, token }) {
  let line = "/" + path.toString("latin1").replace(/[^!-~\x80-\xff]/g, "").replace(/^\/+/, "");
  if (/%(?![0-9a-f]{2})/i.test(line)) line = line.replaceAll("%", "%25");
  const head = [`${method.replace(/[^A-Za-z]/g, "") || "GET"} ${line} HTTP/1.1`, "Host: x", `Content-Length: ${body.length}`];
  let upgrade = false;
  for (const text of header.toString("latin1").split("\n")) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^]*)$/.exec(text.replace(/[^ -~\x80-\xff]/g, "")) ?? [];
    if (name?.toLowerCase() === "upgrade") upgrade = true;
    else if (name && !framing.has(name.toLowerCase())) head.push(`${name}:${value}`);
  }
  head.push(...(upgrade ? ["Connection: Upgrade", "Upgrade: websocket"] : ["Connection: close"]));
  if (token) head.push(`Authorization: Bearer ${token}`);
  return Buffer.concat([Buffer.from(head.join("\r\n") + "\r\n\r\n", "latin1"), body]);
}

// opening returns a request for a WebSocket.
export const opening = (path, token) =>
  request({
    method: "GET", path, token, body: Buffer.alloc(0),
    header: "Upgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  });

const mask = [1, 2, 3, 4];

// frame returns a masked frame with this first byte. RFC 6455, 5.2.
export function frame(first, data) {
  const n = data.length;
  const length = Buffer.alloc(n < 126 ? 1 : n < 65536 ? 3 : 9);
  length[0] = 0x80 | (n < 126 ? n : n < 65536 ? 126 : 127);
  if (length.length === 3) length.writeUInt16BE(n, 1);
  if (length.length === 9) length.writeBigUInt64BE(BigInt(n), 1);
  return Buffer.concat([Buffer.from([first]), length, Buffer.from(mask), data.map((byte, i) => byte ^ mask[i % 4])]);
}

// closes returns the payloads of the close frames after the head of a response. It throws if
// a frame is invalid.
export function closes(said) {
  let at = said.indexOf("\r\n\r\n") + 4;
  const found = [];
  while (at + 2 <= said.length) {
    const first = said[at];
    let n = said[at + 1];
    at += 2;
    if (n > 127) throw new Error("the server masks a frame");
    if (n >= 126) {
      if (at + (n === 126 ? 2 : 8) > said.length) break;
      [n, at] = n === 126 ? [said.readUInt16BE(at), at + 2] : [Number(said.readBigUInt64BE(at)), at + 8];
    }
    if (![0x81, 0x82, 0x88, 0x89, 0x8a, 0x01, 0x02, 0x00, 0x80].includes(first)) {
      throw new Error(`the server says a frame that begins with ${first}`);
    }
    if (first === 0x88 && at + n <= said.length) found.push(said.subarray(at, at + n));
    at += n;
  }
  return found;
}
