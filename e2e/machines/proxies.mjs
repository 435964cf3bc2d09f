// HAProxy and nginx with the configurations that docs/spaces.md shows, in which only the
// addresses and the paths are others.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { freePort, root } from "../doors.mjs";
import { until } from "../until.mjs";

export const configuration = (file) => readFileSync(path.join(root, "docs/machines", file), "utf8");

// program returns the path of a program, undefined if it is not installed.
export function program(name) {
  try {
    return execFileSync("sh", ["-c", `PATH="$PATH:/usr/sbin" command -v ${name}`], { encoding: "utf8" }).trim();
  } catch {
    return undefined;
  }
}

// A Proxy runs before two machines, which are hosts of doors.mjs that have started.
class Proxy {
  // places says where some spaces are.
  constructor(name, places = {}) {
    Object.assign(this, { name, places, dir: mkdtempSync(path.join(tmpdir(), `tidemark-${name}-`)) });
  }

  // prepare writes a configuration with other addresses and paths. Each must be there.
  async prepare(file, machines, folders) {
    const { port } = (this.port = await freePort(), this);
    this.url = `http://127.0.0.1:${port}`;
    let config = configuration(file);
    for (const [from, to] of [[":8080", `127.0.0.1:${port}`], [" 8080;", ` 127.0.0.1:${port};`], ...folders.map((f) => [f, `${this.dir}/`]),
      ...machines.map((m, i) => [`10.0.0.${i + 1}:8787`, `127.0.0.1:${m.port}`])]) {
      config = config.replaceAll(from, to);
    }
    this.place(this.places);
    return config;
  }

  write(file, contents) {
    const name = path.join(this.dir, file);
    writeFileSync(name, contents);
    return name;
  }

  async run(command, ...args) {
    this.log = "";
    this.process = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on("data", (data) => (this.log = (this.log + data).slice(-20_000)));
    let over = false;
    this.ended = new Promise((resolve) => this.process.once("exit", () => resolve((over = true))));
    await until(() => over || fetch(`${this.url}/healthz`).then((r) => r.ok, () => false), () => `${this.name} serves: ${this.log}`);
    if (over) throw new Error(`${this.name} ended:\n${this.log}`);
    return this;
  }

  async close() {
    this.process?.kill("SIGKILL");
    await this.ended;
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export class HAProxy extends Proxy {
  async start(machines) {
    const config = this.write("haproxy.cfg", await this.prepare("haproxy.cfg", machines, ["/etc/haproxy/", "/run/haproxy/"]));
    execFileSync(program("haproxy"), ["-c", "-f", config]);
    return this.run(program("haproxy"), "-db", "-f", config);
  }

  // place says in the file where spaces are.
  place(places) {
    this.write("spaces.map", Object.entries(places).map(([space, place]) => `${space} ${place}\n`).join(""));
  }

  // command sends a command to the running HAProxy, and returns its answer.
  command(line) {
    const socket = connect(path.join(this.dir, "admin.sock"));
    socket.end(`${line}\n`);
    return text(socket);
  }
}

export class Nginx extends Proxy {
  async start(machines) {
    const config = this.write("tidemark.conf", await this.prepare("nginx.conf", machines, ["/etc/nginx/"]));
    const pid = path.join(this.dir, "nginx.pid");
    const whole = this.write("nginx.conf", `error_log stderr; pid ${pid}; daemon off; master_process off;
events {}
http {
    access_log off;
    client_body_temp_path ${this.dir}/body; proxy_temp_path ${this.dir}/proxy; fastcgi_temp_path ${this.dir}/fastcgi;
    uwsgi_temp_path ${this.dir}/uwsgi; scgi_temp_path ${this.dir}/scgi;
    include ${config};
}
`);
    execFileSync(program("nginx"), ["-t", "-q", "-e", "stderr", "-c", whole]);
    return this.run(program("nginx"), "-e", "stderr", "-c", whole);
  }

  place(places) {
    this.write("spaces.map", Object.entries(places).map(([space, place]) => `${space} ${place};\n`).join(""));
  }
}
