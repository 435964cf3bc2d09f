// All tests of `make test`: the static ones, Go's, Go's under the race detector and on
// the guest's target, the client kit's and the files of e2e and of the examples. SLOTS is how many jobs run at the
// same time. Arguments leave only the jobs whose name has one of them in it.
import { execFileSync } from "node:child_process";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { root } from "../doors.mjs";
import { run } from "./suite.mjs";

const output = (file, ...args) => execFileSync(file, args, { cwd: root, encoding: "utf8" }).trim();

// What mostly waits: for a token's end, for silence, for a deadline, for a room to sleep.
const waits = [
  "e2e/yjs/silence.test.mjs", "e2e/clients/sessions.test.mjs", "e2e/strangers/bodies.test.mjs", "e2e/strangers/refusals.test.mjs",
  "e2e/workerd/rules.test.mjs", "e2e/workerd/requests.test.mjs", "e2e/yjs/hibernation.test.mjs", "e2e/clients/renewal.test.mjs", "e2e/clients/subscribers.test.mjs",
  "e2e/spaces/kill.test.mjs", "e2e/clients/pause.test.mjs", "e2e/clients/people.test.mjs",
  "e2e/slow/slow.test.mjs", "e2e/webhooks/webhooks.test.mjs", "e2e/webhooks/kill.test.mjs", "e2e/webhooks/faults.test.mjs",
];

// What takes longest begins first.
const first = [
  "go e2e", "go worker/store/records", "e2e/siege/siege.test.mjs", "go worker", "static", "race wasm/edge", "js shared …", "go wasm/edge", "race wasm/cmd/tidemark",
  "e2e/web/notes.test.mjs", "e2e/react-native/react-native.test.mjs", "e2e/web/records.test.mjs", "e2e/docs/first-table.test.mjs",
];

// Packages that take some seconds, each a job of its own. The others of a folder are one job.
const large = ["e2e", "e2e/histories", "e2e/yjsdiff", "wasm/cmd/tidemark", "wasm/edge", "worker", "worker/api", "worker/store/projects", "worker/store/records", "worker/store/transfer"];

// What asks for one thing at a time, for too long under the race detector. `make prove` takes that time.
const sequential = "TestASecondServerOnAFolder|TestManyObjectsShareAFewOpenFiles|TestMigrationsAreApplied|TestAGuestOfAnotherABI";

// Not from the cache, which does not know what hosts and guests were made of. Static has vet.
const goTest = (name, flags, packages, env) =>
  ({ name, command: ["go", "test", "-v", "-vet=off", "-ldflags=-s -w", "-count", "1", "-p", "1", "-timeout", "25m", ...flags, ...packages.map((p) => `./${p}`)], env });

const packages = output("go", "list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}", "./...")
  .split("\n").map((name) => name.replace(/^tidemark\//, ""));
const folders = Object.groupBy(packages, (name) => (large.includes(name) ? name : `${name.split("/")[0]} …`));
const whole = Object.entries(folders).map(([name, some]) => goTest(`go ${name}`, [], some));
const raced = packages.filter((name) => name.startsWith("wasm/"))
  .map((name) => goTest(`race ${name}`, ["-race", "-short", "-skip", sequential], [name]));

// What counts the same steps and bytes on any target, and takes long on the guest's.
const counting = "TestADocumentThatIsSentAgain|TestPiecesAreAsLong|TestADocumentThatT|TestADocumentOfFewItems|TestManySmallItemsAreMerged|TestNobodyHearsNothing" +
  "|TestWorkOnPendingDeletions|TestARestoreIsAsLong|TestNoQuadraticTime|TestAnUpdateThatTakesTooManySteps|TestUnknownKeyIDsFetchOnce";

const onGuest = goTest("js shared …", ["-short", "-skip", counting, `-exec=${output("go", "env", "GOROOT")}/lib/wasm/go_js_wasm_exec`], ["shared/..."],
  { GOOS: "js", GOARCH: "wasm" });

// `make build` has made the kit. Nothing makes it again here, as others load it meanwhile.
const kit = { name: "web/client", command: ["node", "--test", "--test-reporter=spec", ...globSync("web/client/test/*.test.mjs", { cwd: root })] };

const files = globSync("{e2e,examples}/**/*.test.mjs", { cwd: root, exclude: (name) => name === "node_modules" }).sort()
  .map((name) => ({ name, command: ["node", "--test", "--test-reporter=spec", name] }));

// Nothing that they make is of use to the others.
const make = [
  { name: "static", command: ["make", "static"] },
  { name: "bundle for Cloudflare", command: ["wrangler", "deploy", "--dry-run", "--outdir", "build/deploy"], env: { CI: "1" } },
];

const wanted = process.argv.slice(2);
const rank = ({ name }) => (first.includes(name) ? first.indexOf(name) : first.length);
const jobs = [...files, ...whole, ...raced, onGuest, kit, ...make]
  .map((job) => ({ ...job, waits: waits.includes(job.name) }))
  .filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .sort((a, b) => rank(a) - rank(b));

process.exitCode = await run(jobs, {
  slots: Number(process.env.SLOTS) || availableParallelism() + 1,
  cwd: root, dir: path.join(root, "build/test"), say: console.log,
});
