// node serve.mjs '{"AUTH_SECRET":"…"}' runs the real guest on workerd with these
// variables, prints its URL, and ends with its standard input.
import { startTidemark } from "./host.mjs";

const host = await startTidemark({ bindings: JSON.parse(process.argv[2]) });
console.log(host.url);
process.stdin.resume().on("end", async () => {
  await host.mf.dispose();
  process.exit();
});
