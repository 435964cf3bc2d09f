// The package as npm would publish it, in an empty project. The project has the package's files and its peers alone: a
// link for each, as pnpm makes them.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const kit = fileURLToPath(new URL("..", import.meta.url));
const modules = path.join(kit, "../node_modules");
const { exports, peerDependencies, peerDependenciesMeta } = JSON.parse(readFileSync(path.join(kit, "package.json"), "utf8"));
const entries = Object.keys(exports).filter((entry) => entry !== "./package.json");

// The entries that need optional peers. An app of rows alone can import the others.
const rich = ["./documents", "./inspector", "./react"];
const core = entries.filter((entry) => !rich.includes(entry));
const required = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional);

const dir = mkdtempSync(path.join(tmpdir(), "tidemark-package-"));
after(() => rmSync(dir, { recursive: true }));

// run returns what a command prints. Its failure is an error with that text.
function run(command, args, cwd = dir) {
  const { PATH } = process.env;
  const env = { ...process.env, PATH: `${path.join(modules, ".bin")}:${path.dirname(process.execPath)}:${PATH}` };
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd, env }, (error, stdout, stderr) => (error ? reject(new Error(`${stdout}${stderr}` || error.message)) : resolve(stdout)));
  });
}

const specifier = (entry) => path.posix.join("tidemark-client", entry);
const imports = (some) => some.map((entry, i) => `import * as entry${i} from "${specifier(entry)}";\nexport { entry${i} };\n`).join("");

/** An empty project that has installed the package and some of its peers. */
class Project {
  constructor(name, peers, some) {
    this.dir = path.join(dir, name);
    mkdirSync(path.join(this.dir, "node_modules/tidemark-client"), { recursive: true });
    for (const peer of peers) {
      mkdirSync(path.join(this.dir, "node_modules", path.dirname(peer)), { recursive: true });
      symlinkSync(path.join(modules, peer), path.join(this.dir, "node_modules", peer));
    }
    this.write("package.json", '{ "type": "module", "private": true }');
    this.write("entries.ts", imports(some));
    this.write("entries.mjs", imports(some));
  }

  write(file, text) {
    writeFileSync(path.join(this.dir, file), text);
  }

  async install(packed) {
    await run("tar", ["xzf", packed, "-C", path.join(this.dir, "node_modules/tidemark-client"), "--strip-components", "1"]);
    return this;
  }

  // compile runs tsc, which checks the declarations of all libraries, too.
  async compile(files, { module, moduleResolution = module, target = "esnext", lib = [] }) {
    const options = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false, noEmit: true, jsx: "react-jsx" };
    const name = `tsconfig.${moduleResolution}.json`;
    this.write(name, JSON.stringify({ compilerOptions: { ...options, module, moduleResolution, target, ...(lib.length > 0 && { lib }) }, files }));
    await run("tsc", ["-p", name], this.dir);
  }
}

const snippet = `
import { createClient, edit, safeSyncDatabase, structuredSource, syncState, syncTriggers, type Server } from "tidemark-client";
import { projectPath, projectSource } from "tidemark-client/projects";
import type { Database, Model } from "@nozbe/watermelondb";

const server: Server = { url: "https://tidemark.example", token: () => null };

export async function start(database: Database, record: Model): Promise<() => void> {
  const source = structuredSource(createClient(server), { onRejected: (rejections) => console.log(rejections.length) });
  await database.write(() => edit(record, () => {}));
  const { phase } = await safeSyncDatabase(database, projectSource(server, "p"));
  const wrong: number = syncState(database).get().unsynced;
  // @ts-expect-error a phase is a string: the types are not "any"
  const phases: number = phase;
  console.log(wrong, phases);
  return syncTriggers(database, source, { server, path: \`\${projectPath("p")}/subscribe\` });
}
`;

const component = `
import { CollaborativeLexicalEditor, TidemarkProvider, YjsProvider, type Tidemark } from "tidemark-client/react";

const tidemark: Tidemark = { server: { url: "", token: () => null }, subject: "ada", person: { name: "Ada", color: "#0b5c73" } };

export const Note = () => (
  <TidemarkProvider value={tidemark}>
    <YjsProvider roomId="note"><CollaborativeLexicalEditor placeholder="Enter notes" /></YjsProvider>
  </TidemarkProvider>
);
// @ts-expect-error a room needs an id
export const wrong = <YjsProvider>{null}</YjsProvider>;
`;

describe("the package", () => {
  let packed, rows, all, files;
  before(async () => {
    const [{ filename, files: list }] = JSON.parse(await run("npm", ["pack", "--json", "--pack-destination", dir], kit));
    packed = path.join(dir, filename);
    files = list.map((file) => file.path).sort();
    rows = await new Project("rows", required, core).install(packed);
    all = await new Project("all", Object.keys(peerDependencies), entries).install(packed);
    for (const project of [rows, all]) project.write("app.ts", snippet);
    all.write("Note.tsx", component);
  });

  test("has what src compiles to, with types and without maps, and nothing else", () => {
    const made = readdirSync(path.join(kit, "src"), { recursive: true }).filter((file) => /\.[cm]?tsx?$/.test(file) && !file.endsWith(".d.ts"))
      .flatMap((file) => [".$1js", ".d.$1ts"].map((end) => path.posix.join("dist", file.replace(/\.([cm]?)tsx?$/, end))));
    assert.deepEqual(files, [...made, "LICENSE", "README.md", "package.json"].sort());
    for (const file of made.filter((name) => /js$/.test(name))) {
      assert.doesNotMatch(readFileSync(path.join(kit, file), "utf8"), /sourceMappingURL/, file);
    }
  });

  test("requires no peer but those of rows", () => assert.deepEqual(required, ["@nozbe/watermelondb", "@trpc/client", "@trpc/server"]));

  test("has the licence of the repository", () => {
    assert.equal(readFileSync(path.join(kit, "LICENSE"), "utf8"), readFileSync(path.join(kit, "../../LICENSE"), "utf8"));
  });

  // Two projects for two ways to resolve. The one has TypeScript's default libraries, the other what Lexical names at the least.
  test("of rows compiles for a bundler in strict TypeScript that checks libraries", () =>
    rows.compile(["entries.ts", "app.ts"], { module: "esnext", moduleResolution: "bundler" }));

  test("compiles as nodenext in strict TypeScript that checks libraries", () =>
    all.compile(["entries.ts", "app.ts", "Note.tsx"], { module: "nodenext", target: "es2022", lib: ["es2022", "dom", "dom.iterable", "esnext.disposable"] }));

  test("can be imported in Node, the core without the optional peers", async () => {
    await run(process.execPath, ["entries.mjs"], rows.dir);
    await run(process.execPath, ["entries.mjs"], all.dir);
  });

  test("has no fault that publint finds", async () => {
    await run("publint", [packed, "--strict"]);
  });

  // The package is ESM alone. So `esm-only` leaves out how require() and Node 10 would resolve it.
  test("has no fault that attw finds", async () => {
    await run("attw", [packed, "--profile", "esm-only"]);
  });
});
