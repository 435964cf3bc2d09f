// node serve.mjs '{"AUTH_SECRET":"…"}' runs the real guest on workerd with these variables.
// It prints its URL, and ends when its standard input ends.
import { startTidemark } from "./host.mjs";

const host = await startTidemark({ bindings: JSON.parse(process.argv[2]) });
console.log(host.url);
process.stdin.resume().on("end", async () => {
  await host.mf.dispose();
  process.exit();
});
