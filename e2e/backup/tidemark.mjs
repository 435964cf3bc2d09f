// The commands of the self-hosted server that make and restore backups.
import { spawn } from "node:child_process";
import { root } from "../doors.mjs";

const binary = process.env.TIDEMARK_SERVER;
const guest = ["--wasm", "build/tidemark.wasm"];

// run starts a command. Its done is what it printed and how it ended.
export function run(...args) {
  const child = spawn(binary, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  child.done = new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
  return child;
}

export const backup = (data, to) => run("backup", "--data", data, "--to", to);
export const restore = (from, data) => run("restore", "--from", from, "--data", data, ...guest);
export const serve = (data) => run("serve", "--addr", "127.0.0.1:0", "--data", data, ...guest);
