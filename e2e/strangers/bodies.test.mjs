// Bodies that the server does not read. Clients that send much, or announce much and stop,
// take no memory of either host, and each reads its rejection.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { secret, token, wazero } from "../doors.mjs";
import { startTidemark } from "../workerd/host.mjs";

const MB = 1 << 20;

const most = 96; // megabytes more that a host may take

// Each opens a host: {url, pid, close()}.
const hosts = {
  async workerd() {
    const host = await startTidemark({
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }], // without Miniflare's own worker in front of ours
      bindings: { AUTH_SECRET: secret },
    });
    const url = (await host.mf.unsafeGetDirectURL("tidemark")).href;
    return { url, pid: host.pid, close: host.close };
  },
  async wazero() {
    const door = await wazero().start();
    return { url: door.url, pid: door.process.pid, close: () => door.close() };
  },
};

// A peak measures how much the memory of a process grows from now on.
function peak(pid) {
  const megabytes = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
  writeFileSync(`/proc/${pid}/clear_refs`, "5"); // sets VmHWM to VmRSS
  const from = megabytes("VmRSS");
  return () => Math.round(megabytes("VmHWM") - from);
}

// send announces a body, sends some of it, and reads only then. It returns the status, or
// the error.
function send(url, { announced, sent, jwt, path = "/trpc/sync.push" }) {
  return new Promise((resolve) => {
    const { hostname, port, host } = new URL(url);
    const socket = connect(Number(port), hostname);
    let said = "";
    socket.on("error", (error) => resolve(error.code));
    socket.on("close", () => resolve(`closed after ${said.slice(0, 100)}`));
    const authorization = jwt ? `Authorization: Bearer ${jwt}\r\n` : "";
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n${authorization}Content-Length: ${announced}\r\n\r\n`,
    );
    const piece = Buffer.alloc(Math.min(sent, 64 << 10), " ");
    let left = sent;
    const more = () => {
      while (left > 0) {
        const part = piece.subarray(0, left);
        left -= part.length;
        if (!socket.write(part)) return socket.once("drain", more);
      }
      socket.on("data", (data) => {
        said += data.toString("latin1");
        const status = /^HTTP\/1\.1 (\d+)/.exec(said);
        if (!status || !said.includes("\r\n\r\n")) return;
        resolve(Number(status[1]));
        socket.destroy();
      });
    };
    more();
  });
}

const many = (n, f) => Promise.all(Array.from({ length: n }, f));
const counts = (statuses) => Object.entries(Object.groupBy(statuses, String)).map(([status, all]) => `${all.length} × ${status}`).join(", ");

// Most of the time the clients wait, so both hosts are tried at once.
describe("on both hosts", { concurrency: true, timeout: 3_600_000, skip: process.platform !== "linux" && "measures memory by /proc" }, () => {
  for (const [name, open] of Object.entries(hosts)) {
    describe(`on ${name}`, { concurrency: false }, () => {
      let host;
      const jwt = token("alice");
      before(async () => {
        host = await open();
        await many(20, () => send(host.url, { announced: 100, sent: 100, jwt })); // what the first requests take
      });
      after(() => host?.close());

      for (const [what, n, request, ...allowed] of [
        ["who send 16 MB each without a token", 24, { announced: 16 * MB, sent: 16 * MB }, 401],
        ["who announce 16 MB without a token, send 66 KB and stop", 300, { announced: 16 * MB, sent: 66 << 10 }, 401],
        ["who announce 16 MB with a token, send 66 KB and stop", 300, { announced: 16 * MB, sent: 66 << 10, jwt }, 408, 503], // 503 without the memory for it
        ["who send 17 MB each with a token", 22, { announced: 17 * MB, sent: 17 * MB, jwt }, 413],
      ]) {
        test(`${n} clients ${what} get ${allowed.join(" or ")} and take no memory`, async (t) => {
          const risen = peak(host.pid);
          const statuses = await many(n, () => send(host.url, request));
          t.diagnostic(`${risen()} MB more at the most`);
          assert.ok(statuses.every((status) => allowed.includes(status)), counts(statuses));
          assert.ok(risen() <= most, `${risen()} MB more, at most ${most}`);
          assert.equal((await fetch(new URL("/healthz", host.url))).status, 200);
        });
      }
    });
  }
});
