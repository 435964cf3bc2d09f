// Other projects' tools check the self-hosted server against the openapi.json that it
// serves. spectral lints the document, portman and newman send requests made from it, and
// prism is a proxy between our own suites of projects and the server. make prove runs it.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { root, secret, token, wazero } from "../doors.mjs";
import { projects } from "../projects/suite.mjs";
import { between } from "./between.mjs";
import { config, excepted, rows } from "./portman.mjs";

const here = path.join(root, "e2e/contract");
const run = promisify(execFile);
const tool = (name) => path.join(here, "node_modules/.bin", name);
const dir = mkdtempSync(path.join(tmpdir(), "tidemark-contract-"));
const document = path.join(dir, "openapi.json"); // the name that spectral.yaml knows
const door = wazero();

before(async () => {
  await door.start();
  writeFileSync(document, await (await fetch(`${door.url}/api/v1/openapi.json`)).text());
}, { timeout: 600_000 });
after(async () => {
  await door.close();
  rmSync(dir, { recursive: true, force: true });
});

test("spectral finds nothing in the document", { timeout: 600_000 }, async () => {
  const { stdout } = await run(tool("spectral"), ["lint", "--fail-severity=hint", "-r", path.join(here, "spectral.yaml"), document])
    .catch((e) => assert.fail(e.stdout || e.message));
  assert.match(stdout, /No results/);
});

test("the server keeps what portman makes of the document", { timeout: 1_200_000 }, async () => {
  const headers = { authorization: `Bearer ${token("owner")}`, "content-type": "application/json" };
  for (const [list, ...all] of rows) {
    for (const row of all) {
      const made = await fetch(`${door.url}/api/v1/projects/${list}`, { method: "POST", headers, body: JSON.stringify(row) });
      assert.equal(made.status, 201, `${list} ${JSON.stringify(row)}: ${await made.text()}`);
    }
  }
  const [settings, collection, none] = ["portman.json", "collection.json", "none.env"].map((name) => path.join(dir, name));
  writeFileSync(settings, JSON.stringify(config));
  writeFileSync(none, "");
  await run(tool("portman"), ["-l", document, "-b", door.url, "-t", "-c", settings, "-o", collection, "--envFile", none], { cwd: dir });

  const tokens = {
    owner: token("owner"), viewer: token("viewer"), stranger: token("stranger"), otherScope: token("owner", { scope: "sync:read" }), nobody: "none",
  };
  const newman = createRequire(import.meta.url)("newman");
  const summary = await promisify(newman.run)({
    collection: JSON.parse(await readFile(collection, "utf8")), reporters: [],
    envVar: Object.entries(tokens).map(([key, value]) => ({ key, value })),
  });
  const failures = summary.run.failures
    .filter(({ source }) => !Object.values(excepted).some((name) => name.test(source.name)))
    .map(({ source, error }) => {
      const { request, response } = summary.run.executions.find(({ item }) => item.id === source.id);
      const sent = `${request.method} ${request.url.getPathWithQuery()} ${request.body?.raw ?? ""}`.replace(/\s+/g, " ").slice(0, 500);
      return `${source.name}: ${error.message.slice(0, 200)}: ${sent}: ${response?.code} ${response?.text().slice(0, 500)}`;
    });
  assert.deepEqual(failures, []);
  const { requests, assertions } = summary.run.stats;
  console.log(`newman: ${requests.total} requests, ${assertions.total} assertions, ${summary.run.failures.length} of them excepted`);
  assert.ok(assertions.total > 1000, `only ${assertions.total} assertions`);
});

test("prism refuses what the document does not allow", { timeout: 600_000 }, async () => {
  const other = JSON.parse(await readFile(document, "utf8"));
  other.components.schemas.Problem.properties.code = { type: "integer" };
  const wrong = path.join(dir, "wrong.json");
  writeFileSync(wrong, JSON.stringify(other));
  const proxy = await between(door.url, wrong, ["--errors"]);
  try {
    const answer = await fetch(`${proxy.url}/api/v1/projects/nowhere/`, { headers: { authorization: `Bearer ${token("owner")}` } });
    assert.equal(answer.status, 500);
    assert.match(await answer.text(), /Response body property code must be integer/);
  } finally {
    await proxy.close();
  }
});

// The clients of projects, with prism as a proxy: it returns an error for everything that
// breaks the document, and then the client fails.
projects("prism", () => ({
  async start() {
    this.proxy = await between(door.url, document, ["--errors"]);
    this.url = this.proxy.url;
  },
  close() {
    return this.proxy.close();
  },
}));

// Many requests of the conformance suite are invalid on purpose. So prism only reports. The
// suite fails if a response breaks the document, or a request does that gets 2xx.
test("the conformance suite's exchanges are the document's", { timeout: 1_200_000 }, async () => {
  const proxy = await between(door.url, document, ["--errors=false"]);
  try {
    const env = { ...process.env, CONFORMANCE_URL: proxy.url, CONFORMANCE_SECRET: secret };
    const { stdout } = await run("go", ["test", "-count=1", "-timeout=20m", "-run=^TestConformanceElsewhere$", "-v", "./e2e"],
      { cwd: root, env, maxBuffer: 1 << 28 }).catch((e) => assert.fail(`${e.stdout?.slice(-20_000)}${e.stderr}`));
    assert.match(stdout, /--- PASS: TestConformanceElsewhere\/projects /);
    assert.ok(proxy.judged > 2000, `prism saw only ${proxy.judged} requests`);
  } finally {
    await proxy.close();
  }
});
