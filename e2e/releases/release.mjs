// A released binary as its user runs it: a file in a folder, with no variables but a secret and the place of caches.
import { execFileSync, spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, root, secret } from "../doors.mjs";
import { until } from "../until.mjs";

export const fixtures = fileURLToPath(new URL("testdata", import.meta.url));
export const fixture = (name, ending) => path.join(fixtures, `${name}.${ending}`);

/** The release for this machine: that of TIDEMARK_RELEASE, or else one that it makes. */
export const released = () => (made ??= process.env.TIDEMARK_RELEASE ?? make());
let made;

function make() {
  execFileSync("make", ["-s", "release-here"], { cwd: root });
  const [os, arch] = ["GOHOSTOS", "GOHOSTARCH"].map((name) => execFileSync("go", ["env", name], { encoding: "utf8" }).trim());
  return path.join(root, `build/release/tidemark-${os}-${arch}`);
}

/** A server with its data in the folder "data" of dir. args stand behind its flags. */
export class Release {
  constructor({ file = released(), dir, cwd = dir, args = [] }) {
    Object.assign(this, { file, dir, cwd, args, log: "" });
  }

  // command is what runs, with a free port. A test may run it in another way.
  command() {
    return [this.file, "serve", "--addr", `127.0.0.1:${this.port}`, "--data", path.join(this.dir, "data"), ...this.args];
  }

  async start(env = {}) {
    this.port ??= await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    const [file, ...args] = this.command();
    this.process = spawn(file, args, { cwd: this.cwd, env: { AUTH_SECRET: secret, HOME: process.env.HOME, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on("data", (data) => (this.log += data));
    this.ended = new Promise((resolve) => this.process.once("exit", resolve));
    let code;
    this.ended.then((c) => (code = c ?? "a signal"));
    await until(async () => {
      if (code !== undefined) throw new Error(`the server ended with ${code}:\n${this.log}`);
      return fetch(`${this.url}/healthz`).then((r) => r.ok, () => false);
    }, () => `the server starts:\n${this.log}`);
    return this;
  }

  stop(signal = "SIGTERM") {
    this.process?.kill(signal);
    return this.ended;
  }
}
