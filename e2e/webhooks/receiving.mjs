// A receiver as a process of its own, which a test can kill: node receiving.mjs PORT SECRET FILE. Before it answers, an event
// is a line of FILE.
import { appendFileSync } from "node:fs";
import { Receiver } from "./receiver.mjs";

const [port, secret, file] = process.argv.slice(2);
const receiver = new Receiver(secret);
receiver.respond = (event) => {
  appendFileSync(file, `${JSON.stringify(event)}\n`);
  return 204;
};
await receiver.open(Number(port));
process.stdout.write("receiving\n");
