// Makes the fixture of a release, which later ones open: testdata/NAME.tar.gz, the folder of a
// server that has what story.mjs writes, and NAME.json, all that the server itself reads back
// after a restart.
//
//   node e2e/releases/make.mjs NAME FILE [FOLDER]
//
// FILE is the released binary. One that has nothing inside, such as that of 0.1.0, serves the
// checkout in FOLDER.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fixture, Release } from "./release.mjs";
import { read, write } from "./story.mjs";

const [name, file, folder] = process.argv.slice(2);
if (!file) throw new Error("want NAME FILE [FOLDER]");
const dir = mkdtempSync(path.join(tmpdir(), "tidemark-fixture-"));
const release = new Release({ file: path.resolve(file), dir, cwd: folder });
let told;
try {
  await release.start({ YJS_COPY_MILLIS: "1" });
  await write(release.url);
  await release.stop();
  await release.start(); // one that knows only what is in the folder
  told = await read(release.url);
} finally {
  await release.stop();
}
execFileSync("tar", ["--create", "--gzip", "--file", fixture(name, "tar.gz"), "--sort=name", "--owner=0", "--group=0", "--numeric-owner",
  "--exclude=data/cache", "-C", dir, "data"]);
writeFileSync(fixture(name, "json"), JSON.stringify(told, null, 1) + "\n");
rmSync(dir, { recursive: true });
