// Toxiproxy between the clients and a server. It cuts connections, leaves them half open, and makes them slow.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { freePort } from "../doors.mjs";
import { until } from "../until.mjs";

const NAME = "server";

export class Toxiproxy {
  /** program is the file that `make build/toxiproxy` makes. */
  constructor(program) {
    this.program = program;
  }

  /** Starts it before the server at url. */
  async start(url) {
    const [port, listen] = [await freePort(), await freePort()];
    this.api = `http://127.0.0.1:${port}`;
    this.url = `http://127.0.0.1:${listen}`;
    this.process = spawn(this.program, ["-host", "127.0.0.1", "-port", String(port)], { stdio: "ignore", env: { ...process.env, LOG_LEVEL: "fatal" } });
    await until(() => fetch(`${this.api}/version`).then((r) => r.ok, () => false), "Toxiproxy listens", 60_000);
    await this.ask("POST", "/proxies", { name: NAME, listen: new URL(this.url).host, upstream: new URL(url).host, enabled: true });
  }

  async ask(method, path, body) {
    const response = await fetch(this.api + path, { method, body: body && JSON.stringify(body) });
    if (!response.ok) throw new Error(`Toxiproxy: ${method} ${path}: ${response.status} ${await response.text()}`);
  }

  /** Ends all connections, and takes no others until open(). */
  close() {
    return this.ask("POST", `/proxies/${NAME}`, { enabled: false });
  }

  open() {
    return this.ask("POST", `/proxies/${NAME}`, { enabled: true });
  }

  /** Adds a toxic in both directions. heal() removes all. */
  async poison(type, attributes) {
    for (const stream of ["upstream", "downstream"]) await this.ask("POST", `/proxies/${NAME}/toxics`, { name: `${type}-${stream}`, type, stream, attributes });
  }

  heal() {
    return this.ask("POST", "/reset");
  }

  async stop() {
    if (!this.process || this.process.exitCode !== null) return;
    this.process.kill();
    await once(this.process, "exit");
  }
}
