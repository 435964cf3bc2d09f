// What the Worker counts and logs on workerd, with a stand-in for the Analytics Engine dataset.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { secret } from "../doors.mjs";
import { until } from "../until.mjs";
import { startTidemark } from "../workerd/host.mjs";
import { Trace } from "../../worker/log.mjs";
import * as seen from "./overview.mjs";
import { checkLog, counts, room, routes, space, subject, tell } from "./story.mjs";

// main keeps the points and the lines of the log, and returns them at /kept.
const main = `
  import worker, * as base from "./worker/worker.mjs";
  import { COLUMNS } from "./worker/metrics.mjs";
  const points = [], lines = [];
  for (const name of ["log", "warn", "error"]) console[name] = (line) => void lines.push(line);
  const bound = (env) => ({ ...env, METRICS: { writeDataPoint: (point) => void points.push(point) } });
  export default {
    fetch(request, env, ctx) {
      if (new URL(request.url).pathname === "/kept") return Response.json({ points, lines, columns: COLUMNS });
      return worker.fetch(request, bound(env), ctx);
    },
  };
  ${["SyncRoom", "YjsRoom", "Space", "SpaceYjsRoom"].map((name) => `export class ${name} extends base.${name} {
    constructor(ctx, env) {
      super(ctx, bound(env));
    }
  }`).join("\n")}`;

let host, told;

before(async () => {
  host = await startTidemark({ main, bindings: { AUTH_SECRET: secret, YJS_COPY_MILLIS: "100", LIMIT_SOCKETS_PER_SUBJECT: "1000" } });
  told = await tell(host.url);
});
after(() => host.close());

const kept = async () => (await fetch(`${host.url}/kept`)).json();

test("M1 M2 each request is one point, with what the guest counted of it", async () => {
  for (const socket of told.sockets) socket.close();
  let points, columns;
  const sum = (name) => points.reduce((all, { doubles }) => all + doubles[columns.indexOf(name)], 0);
  await until(async () => {
    ({ points, columns } = await kept());
    return sum("tidemark_yjs_compactions_total done") > 0 && sum("tidemark_copies_behind_seconds") > 0;
  }, () => `the copy: ${JSON.stringify(points)}`, 60_000);
  const details = points.map(({ blobs }) => blobs[4]).join("\n");
  for (const [key, least] of Object.entries(counts)) {
    const [name, ...values] = key.split(" ");
    const got = details.split("\n").filter((line) => line.startsWith(`${name}{`) && values.every((value) => line.includes(`"${value}"`)))
      .reduce((all, line) => all + Number(line.slice(line.lastIndexOf(" "))), 0);
    assert.ok(got >= least, `${key}: ${got}, want ${least}`);
    const column = columns.find((c) => c === name || c === `${name} ${values.at(-1)}`);
    assert.ok(sum(column) >= least, column);
  }
  const requests = points.filter(({ blobs }) => blobs[0] === "request");
  assert.equal(requests.length, told.ids.length + 1, "one point a request; the stranger has the last one"); // of the story
  const seen = requests.map(({ blobs: [, route, method, status] }) => `${method} ${route} ${status}`);
  assert.deepEqual(routes.filter((route) => !seen.includes(route)), []);
  for (const { indexes, blobs, doubles } of points) {
    assert.deepEqual([indexes.length, blobs.length, doubles.length], [1, 5, columns.length]);
    assert.ok(columns.length <= 20 && indexes[0].length <= 96 && doubles.every(Number.isFinite));
  }
  for (const { doubles } of requests) assert.ok(doubles[columns.indexOf("tidemark_instance_memory_bytes")] > 0);
  for (const name of [room, space, subject, ...told.secrets]) assert.ok(!JSON.stringify(points).includes(name), name);
});

test("M3 the log is one object of JSON a line, has each request that changes something or fails, and no secret", async () => {
  const { lines } = await kept();
  assert.deepEqual(lines.filter((line) => typeof line !== "string"), []);
  checkLog(lines, { ...told, ids: told.ids.filter((id) => !told.quiet.includes(id)) });
  for (const id of told.quiet) assert.ok(!lines.some((line) => line.includes(id)), `a line of the request ${id}`);
});

test("M3 only sane ids and traceparents are taken", () => {
  const { ids, traceparents } = JSON.parse(readFileSync(new URL("../../shared/abi/testdata/traces.json", import.meta.url), "utf8"));
  const headers = (name, value) => ({ get: (asked) => (asked === name ? value : null) }); // Headers trims, and refuses some
  const meant = (value) => value.replace(/^LONG(\d+)$/, (_, n) => "x".repeat(n));
  for (const [value, valid] of ids) assert.equal(new Trace(headers("x-request-id", meant(value))).id === meant(value), valid, value);
  for (const [value, valid] of traceparents) assert.equal(new Trace(headers("traceparent", value)).parent === value, valid, value);
});

test("M1 wrangler.toml turns logs on, and leaves out those of Cloudflare, which hold whole URLs", () => {
  const config = readFileSync(new URL("../../wrangler.toml", import.meta.url), "utf8");
  assert.match(config, /^\[observability\]\nenabled = true$/m);
  assert.match(config, /^\[observability.logs\]\nenabled = true\ninvocation_logs = false$/m);
});

test("GET /overview counts what clients did, also without a dataset", async (t) => {
  const alone = await startTidemark({ bindings: { AUTH_SECRET: secret, LIMIT_SPACE_BYTES: String(1 << 20) } });
  t.after(() => alone.close());
  await seen.tell(alone.url, { server: { host: "workers", of: "isolate" }, instances: "null", objects_open: "null", backup: "null", warnings: [] });
  await seen.fill(alone.url);
  await (await alone.mf.getD1Database("DB")).exec("ALTER TABLE Projects RENAME TO Away");
  await seen.fail(alone.url);
});
