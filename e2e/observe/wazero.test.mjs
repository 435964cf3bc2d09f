// What the self-hosted server counts and logs. The text of /metrics has the names on which others rely.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { freePort, wazero } from "../doors.mjs";
import { until } from "../until.mjs";
import * as seen from "./overview.mjs";
import { checkLog, counts, room, routes, space, subject, tell } from "./story.mjs";

let door, port, told;

before(async () => {
  port = await freePort();
  door = wazero({ YJS_COPY_MILLIS: "100" }, ["--metrics-addr", `127.0.0.1:${port}`, "--log", "json"]);
  await door.start();
  told = await tell(door.url);
});
after(() => door.close());

// scrape returns the samples by their names and labels, as {"NAME{LABELS}": value}.
async function scrape() {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  assert.match(response.headers.get("content-type"), /^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).trim().split("\n").filter((line) => !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
}

test("M1 the metrics are at an address of their own, and not on the public port", async () => {
  assert.equal((await fetch(`${door.url}/metrics`)).status, 401);
  assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 404);
  const samples = await scrape();
  assert.ok(samples.get("go_goroutines") > 0 && samples.get("process_resident_memory_bytes") > 0);
});

test("M2 the server counts rows, notifications, updates and compactions", async () => {
  const labels = (name, values) => {
    const [first, second] = values;
    if (name === "tidemark_push_rows_total") return `{outcome="${second}",table="${first}"}`;
    if (name === "tidemark_pull_rows_total") return `{table="${first}"}`;
    return first ? `{result="${first}"}` : "";
  };
  let samples;
  await until(async () => {
    samples = await scrape();
    return samples.get('tidemark_yjs_compactions_total{result="done"}') > 0 && samples.get("tidemark_copies_behind_seconds") === 0;
  }, () => `the copy: ${JSON.stringify([...samples])}`, 60_000);
  for (const [key, least] of Object.entries(counts)) {
    const [name, ...values] = key.split(" ");
    const got = samples.get(name + labels(name, values));
    assert.ok(got >= least, `${key}: ${got}, want ${least}`);
    if (name === "tidemark_push_rows_total") assert.equal(got, least, key);
  }
  for (const route of routes) {
    const [method, pattern, status] = route.split(" ");
    assert.ok(samples.get(`tidemark_requests_total{method="${method}",route="${pattern}",status="${status}"}`) > 0, route);
    assert.ok(samples.get(`tidemark_request_seconds_count{route="${pattern}"}`) > 0, pattern);
  }
  assert.deepEqual([samples.get('tidemark_sockets{room="sync"}'), samples.get('tidemark_sockets{room="yjs"}')], [1, 1]);
  for (const direction of ["in", "out"]) assert.ok(samples.get(`tidemark_yjs_bytes_total{direction="${direction}"}`) > 0, direction);
  for (const name of ["tidemark_instances", "tidemark_instance_memory_bytes", "tidemark_objects_open", 'tidemark_batch_seconds_count{database="DB"}']) {
    assert.ok(samples.get(name) > 0, name);
  }
  for (const socket of told.sockets) socket.close();
  await until(async () => (await scrape()).get('tidemark_sockets{room="sync"}') === 0, "the socket is closed", 60_000);
});

test("M2 no label holds an id, a subject, a room or a space", async () => {
  const names = [...(await scrape()).keys()].filter((name) => name.startsWith("tidemark_"));
  for (const secret of [room, space, subject, "none", ...told.secrets]) {
    assert.deepEqual(names.filter((name) => name.includes(`"${secret}`) || name.includes(`/${secret}`)), [], secret);
  }
});

// net/http rejects such a head before a handler runs.
test("M3 also a request that is malformed, or that no handler serves, has an id", async () => {
  const socket = connect(door.port, "127.0.0.1");
  socket.end("GET / HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n");
  assert.match(await text(socket), /^HTTP\/1.1 400 [^]*\r\nX-Request-Id: [0-9a-f]{32}\r\n/i);
  const asset = await fetch(`${door.url}/index.html`);
  assert.match(asset.headers.get("x-request-id"), /^[0-9a-f]{32}$/);
  const long = await new Promise((resolve) => request(`${door.url}/healthz`, { headers: { "x-request-id": "x".repeat(129) } }, resolve).end());
  long.resume();
  assert.match(long.headers["x-request-id"], /^[0-9a-f]{32}$/);
});

test("M3 the log is one object of JSON a line, has each request, and no secret", async () => {
  const lines = door.log.split("\n").filter((line) => line.startsWith("{"));
  assert.deepEqual(door.log.split("\n").filter((line) => line !== "" && !line.startsWith("{")).slice(0, 4).length, 2); // the welcome
  checkLog(lines, told);
});

test("GET /overview counts what clients did", async (t) => {
  const alone = wazero({ LIMIT_SPACE_BYTES: String(1 << 20) }, ["--metrics-addr", "off"]);
  t.after(() => alone.close());
  await alone.start();
  await seen.tell(alone.url, {
    server: { host: "self-hosted", of: "process" },
    instances: "number", objects_open: "number", backup: { on: "boolean", last: "null" }, warnings: [{ code: "string", text: "string" }],
  });
  assert.deepEqual((await seen.overview(alone.url)).warnings.map(({ code }) => code), ["no_backup"]);
  await seen.fill(alone.url);
});

// A backup of an earlier start is in the folder: its manifest says of when it is.
test("GET /overview knows the backups of earlier starts", async (t) => {
  const to = mkdtempSync(path.join(tmpdir(), "tidemark-backups-"));
  t.after(() => rmSync(to, { recursive: true, force: true }));
  const alone = wazero({}, ["--metrics-addr", "off", "--backup-to", to, "--backup-every", "10000h"]);
  t.after(() => alone.close());
  await alone.start();
  await until(async () => (await seen.overview(alone.url)).backup.last !== null, "the first backup", 60_000);
  const { backup: first, warnings } = await seen.overview(alone.url);
  assert.deepEqual([first.on, warnings], [true, []]);
  await alone.stop();
  const [folder] = readdirSync(to);
  const manifest = path.join(to, folder, "manifest.json");
  const { at, ...rest } = JSON.parse(readFileSync(manifest, "utf8"));
  assert.equal(Date.parse(at), first.last);
  const old = Date.now() - 3.5 * 86_400_000;
  writeFileSync(manifest, JSON.stringify({ at: new Date(old).toISOString(), ...rest }));
  await alone.start();
  const { backup, warnings: [{ code, text }] } = await seen.overview(alone.url);
  assert.deepEqual([backup, code, text], [{ on: true, last: old }, "no_backup", "There has been no backup for 3 days."]);
});
