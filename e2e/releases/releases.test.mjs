// The released binary as its user has it: one file in an empty folder, with nothing beside it. And
// the folders of earlier releases, which it opens. operate.md F1, F2, F3 and F5.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { root } from "../doors.mjs";
import { fixture, fixtures, Release, released } from "./release.mjs";
import { read, write } from "./story.mjs";

const file = released();
const rows = (url, token, input = { lastPulledAt: null }) =>
  fetch(`${url}/trpc/sync.pull?input=${encodeURIComponent(JSON.stringify(input))}`, { headers: { authorization: `Bearer ${token}` } });

// empty returns a new folder, which is removed after the tests.
const folders = [];
function empty() {
  folders.push(mkdtempSync(path.join(tmpdir(), "tidemark-release-")));
  return folders.at(-1);
}
after(() => folders.forEach((dir) => rmSync(dir, { recursive: true, force: true })));

// command runs the file to its end, with no variable set.
const command = (cwd, ...args) => spawnSync(file, args, { cwd, env: {}, encoding: "utf8" });

describe("a released file in an empty folder", { timeout: 600_000 }, () => {
  const dir = empty();
  const here = path.join(dir, "tidemark");
  cpSync(file, here);
  const release = new Release({ file: here, dir });
  release.command = () => [here, "serve", "--addr", `127.0.0.1:${release.port}`]; // with the usual folder
  before(() => release.start({ AUTH_SECRET: "", HOME: "" }));
  after(() => release.stop());

  test("F1 serves the whole system, and tells how to get a token", async () => {
    assert.match(release.log, /make a token for it: tidemark token --sub NAME --data data\n/);
    const token = command(dir, "token", "--sub", "ann").stdout.trim();
    const pulled = await rows(release.url, token);
    assert.equal(pulled.status, 200);
    assert.deepEqual(Object.keys((await pulled.json()).result.data.changes).sort(), ["customers", "products"]);
    assert.equal((await fetch(`${release.url}/api/v1/projects/`, { headers: { authorization: `Bearer ${token}` } })).status, 200);
    assert.deepEqual(readdirSync(dir).sort(), ["data", "data.secret", "tidemark"]);
    assert.deepEqual(readdirSync(path.join(dir, "data")).sort(), ["cache", "control", "d1", "do", "tidemark.json"]);
  });

  test("F1 serves the demo, with an ETag and the headers of its file", async () => {
    const page = await fetch(release.url);
    const html = await page.text();
    assert.equal(html, readFileSync(path.join(root, "web/dist/index.html"), "utf8"));
    assert.match(page.headers.get("content-security-policy"), /default-src 'none'/);
    for (const [, name] of html.matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
      const first = await fetch(release.url + name);
      assert.deepEqual(Buffer.from(await first.arrayBuffer()), readFileSync(path.join(root, "web/dist", name)));
      const again = await fetch(release.url + name, { headers: { "if-none-match": first.headers.get("etag") } });
      assert.equal(again.status, 304, name);
    }
  });

  test("F3 health exits with 0 or 1", () => {
    const ready = command(dir, "health", "--url", release.url);
    assert.equal(ready.status, 0, ready.stderr);
    const gone = command(dir, "health", "--url", "http://127.0.0.1:1");
    assert.equal(gone.status, 1);
    assert.match(gone.stderr, /connection refused/);
  });
});

test("F1 --config, --tables, --wasm and --assets replace what is inside", { timeout: 600_000 }, async () => {
  const dir = empty();
  mkdirSync(path.join(dir, "site"));
  writeFileSync(path.join(dir, "site", "index.html"), "mine");
  writeFileSync(path.join(dir, "mine.toml"), 'version = 1\n[boats]\ncolumns.name = { type = "string" }\n');
  const config = readFileSync(path.join(root, "wrangler.toml"), "utf8");
  writeFileSync(path.join(dir, "wrangler.toml"), config.replace(/LIMIT_PUSH_ROWS = "\d+"/, 'LIMIT_PUSH_ROWS = "1"'));
  cpSync(path.join(root, "build/tidemark.wasm"), path.join(dir, "guest.wasm"));
  const token = (release) => command(dir, "token", "--sub", "ann", "--data", path.join(release.dir, "data")).stdout.trim();
  const push = (release, ids) => fetch(`${release.url}/trpc/sync.push`, {
    method: "POST", headers: { authorization: `Bearer ${token(release)}`, "content-type": "application/json" },
    body: JSON.stringify({ lastPulledAt: 1, changes: { boats: { created: [], updated: ids.map((id) => ({ id, name: id, created_at: 1, updated_at: 1 })), deleted: [] } } }),
  });
  const replaced = ["--tables", "mine.toml", "--wasm", "guest.wasm", "--assets", "site"];
  for (const [args, pushed] of [[replaced, 200], [[...replaced, "--config", "wrangler.toml"], 413]]) {
    const release = new Release({ dir, args });
    await release.start({ AUTH_SECRET: "" });
    try {
      assert.equal(await (await fetch(release.url)).text(), "mine");
      assert.deepEqual(Object.keys((await (await rows(release.url, token(release))).json()).result.data.changes), ["boats"]);
      assert.equal((await push(release, ["a", "b"])).status, pushed, args.join(" "));
    } finally {
      await release.stop();
    }
  }
  const missing = command(dir, "serve", "--addr", "127.0.0.1:0", "--assets", "nowhere");
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /--assets: .*nowhere/);
});

const number = (text, name) => new RegExp(`^${name} +(.+)$`, "m").exec(text)?.[1];

test("F2 version names the release, what it was made of and its numbers", () => {
  const { stdout, status } = command(empty(), "version");
  assert.equal(status, 0);
  const built = execFileSync("go", ["version", "-m", file], { encoding: "utf8" });
  assert.match(number(stdout, "tidemark"), /./);
  assert.equal(number(stdout, "commit").split(",")[0], /vcs\.revision=(\w+)/.exec(built)?.[1] ?? "unknown");
  assert.equal(number(stdout, "go"), /: (go\S+)/.exec(built)[1]);
  assert.equal(number(stdout, "wazero"), /tetratelabs\/wazero\s+(\S+)/.exec(built)[1]);
  assert.equal(number(stdout, "abi"), /^const Number = (\d+)$/m.exec(readFileSync(path.join(root, "shared/abi/number.go"), "utf8"))[1]);
  assert.match(number(stdout, "storage"), /^\d+$/);
});

test("F2 a guest of another ABI is refused, and the error names both numbers", () => {
  const dir = empty();
  const abi = number(command(dir, "version").stdout, "abi");
  const guest = readFileSync(path.join(root, "build/tidemark.wasm")).toString("latin1");
  writeFileSync(path.join(dir, "other.wasm"), Buffer.from(guest.replaceAll(`tidemark_abi_${abi}`, "tidemark_abi_9"), "latin1"));
  const { status, stderr } = command(dir, "serve", "--addr", "127.0.0.1:0", "--wasm", "other.wasm");
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`built for the host ABI 9, and this host implements ${abi}`));
});

// numbers are what a later release may raise in a folder: the migrations of its database, and the
// layouts of its objects.
function numbers(dir) {
  const query = (name, sql) => {
    const db = new DatabaseSync(path.join(dir, "data", name), { readOnly: true });
    try {
      return db.prepare(sql).all().map((row) => Object.values(row)[0]);
    } finally {
      db.close();
    }
  };
  const objects = ["YjsRoom", "SpaceYjsRoom", "Space"].flatMap((name) => {
    try {
      return readdirSync(path.join(dir, "data/do", name)).filter((f) => f.endsWith(".sqlite")).map((f) => [name, `do/${name}/${f}`]);
    } catch {
      return [];
    }
  });
  const layouts = {};
  for (const [name, f] of objects) {
    const [has] = query(f, "SELECT count(*) FROM sqlite_master WHERE name = 'layout'");
    layouts[name] = Math.max(layouts[name] ?? 0, has ? query(f, "SELECT version FROM layout")[0] : 0);
  }
  return JSON.stringify([query("d1/DB.sqlite", "SELECT name FROM d1_migrations ORDER BY name"), layouts]);
}

function storage(dir) {
  try {
    return JSON.parse(readFileSync(path.join(dir, "data/tidemark.json"), "utf8")).storage;
  } catch {
    return 1; // that of 0.1.0, which marked no folder
  }
}

const kept = readdirSync(fixtures).filter((name) => name.endsWith(".tar.gz")).map((name) => name.slice(0, -".tar.gz".length));

test("F5 the folder of each release is kept", () => {
  const released = [...readFileSync(path.join(root, "CHANGELOG.md"), "utf8").matchAll(/^## \[(\d\S*)\]/gm)].map(([, version]) => version);
  assert.deepEqual(kept.sort(), released.sort());
});

for (const name of kept) {
  test(`F5 the folder of ${name} opens, and has all that it had`, { timeout: 600_000 }, async () => {
    const dir = empty();
    execFileSync("tar", ["-xzf", fixture(name, "tar.gz"), "-C", dir]);
    const told = JSON.parse(readFileSync(fixture(name, "json"), "utf8"));
    const before = { numbers: numbers(dir), storage: storage(dir) };
    const release = new Release({ dir });
    await release.start();
    try {
      assert.deepEqual(await read(release.url, { space: told.space !== undefined }), told);
    } finally {
      await release.stop();
    }
    if (numbers(dir) !== before.numbers) {
      assert(storage(dir) > before.storage, `raise storageNumber: after ${before.storage}, this version makes of ${before.numbers}\n${numbers(dir)}`);
    }
  });
}

// make.mjs writes the next fixture by this.
test("F5 what the fixtures hold can be written to this release, too", { timeout: 600_000 }, async () => {
  const release = new Release({ dir: empty() });
  await release.start({ YJS_COPY_MILLIS: "1" });
  try {
    await write(release.url);
    const told = await read(release.url);
    assert.equal(told.space.rows.customers.updated.length, 1);
  } finally {
    await release.stop();
  }
});

test("F1 the guest inside is the one that make builds", () => {
  const inside = readFileSync(path.join(root, "wasm/cmd/tidemark/inside/tidemark.wasm.gz"));
  assert(gunzipSync(inside).equals(readFileSync(path.join(root, "build/tidemark.wasm"))));
});
