// docs/guide-first-table.md as it stands, on both hosts: its declarations, its commands with their outputs,
// and its app. It changes tables.toml and what is made from it, so it runs in a copy of the repository.
import { test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, root } from "../doors.mjs";

const guide = readFileSync(path.join(root, "docs/guide-first-table.md"), "utf8");
const secretOfDev = /`(SECRET=\S+)`/.exec(guide)[1];
const mistake = /`(tables\.toml:\d+: .*?)`/.exec(guide)[1];

// The sections of the guide, and their code blocks in order. A block of text is the output of the block before it.
const sections = guide.split("\n## ").slice(1).map((section) => {
  const blocks = [];
  for (const [, language, text] of section.matchAll(/```(\w+)\n([^]*?)```/g)) {
    if (language === "text") blocks.at(-1).output = text;
    else blocks.push({ language, text });
  }
  return { title: section.split("\n")[0], blocks };
});

const wanted = (name) => !name.startsWith(".") && !["node_modules", "build", "data", "data.secret"].includes(name);

// copy returns a copy of the repository as make left it. Its packages are links. For make they and the demo are up to date.
function copy() {
  const dir = mkdtempSync(path.join(tmpdir(), "tidemark-guide-"));
  for (const name of readdirSync(root).filter(wanted)) {
    cpSync(path.join(root, name), path.join(dir, name), { recursive: true, preserveTimestamps: true, filter: (file) => wanted(path.basename(file)) });
  }
  for (const part of ["e2e", "web"]) {
    symlinkSync(path.join(root, part, "node_modules"), path.join(dir, part, "node_modules"));
    utimesSync(path.join(dir, part, "package-lock.json"), 0, 0);
  }
  const packages = statSync(path.join(dir, "web/node_modules/.package-lock.json")).mtimeMs / 1000 + 0.001;
  utimesSync(path.join(dir, "web/dist/index.html"), packages, packages);
  return dir;
}

// edit changes tables.toml as a block says: its line version, and what is new at the end. A header that is there stays.
function edit(file, block) {
  const [, version, rest] = /^(version = \d+)\n([^]*)$/.exec(block);
  writeFileSync(file, readFileSync(file, "utf8").replace(/^version = \d+/m, version) + rest);
}

// withoutDemo deletes the tables of the demo.
function withoutDemo(file) {
  const tables = readFileSync(file, "utf8").split(/^(?=\[)/m);
  writeFileSync(file, tables.filter((table) => !/^\[(customers|products)[.\]]/.test(table)).join(""));
}

// same leaves out of an output what differs from run to run.
const same = (output) => output.replace(/\b\d{13}\b/g, "TIMESTAMP").replace(/\d{4}(?=_declared)/g, "NUMBER").trimEnd();

const env = (port) => ({
  ...process.env,
  PATH: `${path.join(root, "e2e/node_modules/.bin")}:${process.env.PATH}`,
  PORT: String(port),
});

// A Reader follows the guide in a folder of its own, with the command that starts the server.
class Reader {
  constructor(start, dir, port) {
    Object.assign(this, { start, dir, port, toml: path.join(dir, "tables.toml"), log: "" });
    this.shell = spawn("bash", { cwd: dir, env: env(port), stdio: ["pipe", "pipe", "inherit"] });
    this.shell.stdout.setEncoding("utf8");
    this.shell.stdin.write("exec 2>&1\n");
  }

  // run returns what the shell printed.
  async run(commands) {
    this.shell.stdin.write(`${commands.replace("localhost:8787", `127.0.0.1:${this.port}`)}\necho "--- done"\n`);
    let output = "";
    while (!output.endsWith("--- done\n")) output += (await once(this.shell.stdout, "data"))[0];
    return output.replace("--- done\n", "");
  }

  async serve() {
    await this.stop();
    this.server = spawn("bash", ["-c", `exec ${this.start}`], { cwd: this.dir, env: env(this.port), detached: true, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.server.stdout, this.server.stderr]) stream.on("data", (data) => (this.log = (this.log + data).slice(-20_000)));
    for (const until = Date.now() + 600_000; Date.now() < until; await sleep(100)) {
      if (this.server.exitCode !== null) break;
      if (await fetch(`http://127.0.0.1:${this.port}/healthz`).then((r) => r.ok, () => false)) return;
    }
    assert.fail(`${this.start} did not start:\n${this.log}`);
  }

  async stop() {
    if (!this.server || this.server.exitCode !== null || this.server.signalCode !== null) return;
    const ended = once(this.server, "exit");
    process.kill(-this.server.pid, "SIGINT");
    await ended;
  }

  async close() {
    this.shell.kill();
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async follow({ language, text, output }) {
    if (language === "toml") return edit(this.toml, text);
    if (language === "ts") return this.compile(text);
    assert.equal(language, "sh");
    if (text.startsWith("make serve") || text.startsWith("make dev")) return text.trim() === this.start && this.serve();
    if (text.includes("--forget")) withoutDemo(this.toml);
    const commands = this.start === "make dev" ? text.replace(/^SECRET=.*/m, secretOfDev) : text;
    const printed = await this.run(commands);
    if (output !== undefined) assert.equal(same(printed), same(output), text);
    if (this.server && /tables migrate$/m.test(text)) await this.serve(); // Ctrl-C, and once more
  }

  // compile checks the types of the app, with the packages of the demo.
  compile(text) {
    writeFileSync(path.join(this.dir, "app/app.ts"), text);
    const config = { extends: "../examples/field-notes/tsconfig.json", compilerOptions: { noEmit: true }, include: ["*.ts"] };
    writeFileSync(path.join(this.dir, "app/tsconfig.json"), JSON.stringify(config));
    execFileSync(path.join(root, "web/node_modules/.bin/tsc"), ["-p", "app"], { cwd: this.dir, encoding: "utf8" });
  }
}

for (const start of ["make serve", "make dev"]) {
  test(`who follows the guide with ${start} sees what it shows`, { timeout: 1_200_000 }, async (t) => {
    const dir = copy();
    const reader = new Reader(start, dir, await freePort());
    t.after(() => reader.close());
    for (const { title, blocks } of sections) {
      await t.test(title, async () => {
        for (const block of blocks) await reader.follow(block);
      });
    }
    await t.test("the command reports a mistake as the guide says", async () => {
      writeFileSync(reader.toml, readFileSync(path.join(root, "tables.toml"), "utf8"));
      edit(reader.toml, sections[0].blocks[0].text.replace("max = 5", "maximum = 5"));
      assert.ok((await reader.run("build/tidemark tables check")).startsWith(mistake), mistake);
    });
  });
}
