// The two hosts as a user runs them, for tests over the network: wrangler dev (workerd) and
// the self-hosted server (wazero). Each has its data in a folder, so that a test can stop
// and start it.
import { spawn, execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

// make builds the server with its guest, and a migrated database, for all files of a run.
// Without these variables each door builds its own.
const { TIDEMARK_SERVER: built, TIDEMARK_MIGRATED: migrated } = process.env;

export const secret = "a secret that only these tests know";
const manySockets = "100000"; // of one subject, as the tests have few subjects

const env = {
  ...process.env,
  PATH: `${path.join(root, "e2e/node_modules/.bin")}:${process.env.PATH}`,
  CI: "1",
  WRANGLER_SEND_METRICS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  AUTH_SECRET: secret,
  LIMIT_SOCKETS_PER_SUBJECT: manySockets,
};

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

// token returns a JWT for a subject. It is valid for an hour unless claims say otherwise.
export function token(sub, claims = {}, key = secret) {
  const body = { sub, iat: Math.floor(Date.now() / 1000), exp: Math.floor(Date.now() / 1000) + 3600, ...claims };
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(body)}`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

// freePort returns a port below those that systems assign, so that no other process gets it
// before the host listens, or while the host is stopped. Files that run at the same time
// begin with different ports.
let lastPort = 10_000 + ((process.pid * 16) % 20_000);
export async function freePort() {
  for (;;) {
    const port = ++lastPort;
    const free = await new Promise((resolve) => {
      const server = createServer().once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

// A Door is a running host: url, start(), stop(signal), close(). With dev set before its
// start, /dev/login gives a token for any name.
class Door {
  constructor(name, prepare, command, variables = {}) {
    Object.assign(this, { name, prepare, command, variables, dir: mkdtempSync(path.join(tmpdir(), `tidemark-${name}-`)) });
  }

  async start() {
    this.port ??= await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    if (!this.process) this.prepare(this);
    const [file, ...args] = this.command(this);
    this.log = "";
    this.process = spawn(file, args, { cwd: root, env: { ...env, ...this.variables }, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    const keep = (data) => (this.log = (this.log + data).slice(-20_000));
    this.process.stdout.on("data", keep);
    this.process.stderr.on("data", keep);
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.ended = ended;
    let code;
    ended.then((c) => (code = c ?? -1));
    for (const until = Date.now() + 600_000; Date.now() < until; await sleep(100)) {
      if (code !== undefined) throw new Error(`${this.name} ended with ${code}:\n${this.log}`);
      const up = await fetch(`${this.url}/healthz`).then((r) => r.ok, () => false);
      if (up) return this;
    }
    throw new Error(`${this.name} did not start:\n${this.log}`);
  }

  // stop ends the host and everything it started.
  async stop(signal = "SIGTERM") {
    try {
      process.kill(-this.process.pid, signal);
    } catch {} // it ended before
    await this.ended;
  }

  async close() {
    await this.stop("SIGKILL");
    rmSync(this.dir, { recursive: true, force: true });
  }
}

// variables are added to the Worker's.
export const wrangler = (variables) =>
  new Door(
    "wrangler",
    ({ dir, dev }) => {
      const all = { AUTH_SECRET: secret, LIMIT_SOCKETS_PER_SUBJECT: manySockets, ...(dev && { DEV_MODE: "1" }), ...variables };
      writeFileSync(path.join(dir, "dev.vars"), Object.entries(all).map(([name, value]) => `${name}="${value}"\n`).join(""));
      if (migrated) cpSync(migrated, dir, { recursive: true });
      else execFileSync("wrangler", ["d1", "migrations", "apply", "DB", "--local", "--persist-to", dir], { cwd: root, env });
    },
    ({ port, dir }) => [
      "wrangler", "dev", "--port", String(port), "--inspector-port", "0", "--persist-to", dir,
      "--env-file", path.join(dir, "dev.vars"),
    ],
  );

// variables are added to the server's environment, and flags to its command.
export const wazero = (variables, flags = []) => {
  const binary = ({ dir }) => built ?? path.join(dir, "tidemark"); // a binary of its own, as another door may be starting
  return new Door(
    "wazero",
    (door) => built || execFileSync("go", ["build", "-o", binary(door), "./wasm/cmd/tidemark"], { cwd: root, env }),
    (door) => [binary(door), "serve", "--addr", `127.0.0.1:${door.port}`, "--data", door.dir, ...(door.dev ? ["--dev"] : []),
      ...(built ? ["--wasm", "build/tidemark.wasm"] : []), ...flags],
    variables,
  );
};

export const doors = { wrangler, wazero };

// onWorkerd returns the first host of a list, which is workerd's, or all of them with
// EVERY_HOST: for what the guest alone decides, and package worker tries under wazero, too.
export const onWorkerd = (hosts) => Object.entries(hosts).slice(0, process.env.EVERY_HOST ? undefined : 1);
