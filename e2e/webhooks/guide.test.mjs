// The receiver of docs/operate.md, as it stands there.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { freePort, root, wazero } from "../doors.mjs";
import { until } from "../until.mjs";
import { Client } from "./client.mjs";
import { variables, webhookSecret } from "./receiver.mjs";

const [, section] = readFileSync(path.join(root, "docs/operate.md"), "utf8").split("\n## Webhooks\n");
const [, source] = /```js\n([^]*?)```/.exec(section);

let receiver, door, said = "", port;
before(async () => {
  port = await freePort();
  receiver = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    cwd: path.join(root, "e2e"), env: { ...process.env, PORT: String(port), WEBHOOK_SECRET: webhookSecret }, stdio: ["ignore", "pipe", "inherit"],
  });
  receiver.stdout.on("data", (data) => (said += data));
  await until(() => fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false), "the receiver listens", 60_000);
  door = wazero(variables({ url: `http://127.0.0.1:${port}/hook` }));
  await door.start();
});
after(async () => {
  receiver.kill();
  await door.close();
});

test("W2 the receiver of the guide says what changed, and takes nothing that is not signed", async () => {
  const stamp = await new Client(door).push("a");
  await until(() => said.includes("\n"), () => `it says ${said}; ${door.log}`, 60_000);
  assert.equal(said, `records.changed {"space":null,"tables":["customers"],"stamp":${stamp}}\n`);
  const forged = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "{}", headers: { "webhook-id": "a", "webhook-timestamp": String(Math.floor(Date.now() / 1000)), "webhook-signature": "v1,AAAA" } });
  assert.equal(forged.status, 400);
});
