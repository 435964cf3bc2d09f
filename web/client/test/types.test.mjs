// An app that checks its libraries, as tsc does unless told not to, can use the kit.
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { test } from "node:test";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const file = (path) => fileURLToPath(new URL(path, import.meta.url));

test("the declarations pass tsc --strict without skipLibCheck", async () => {
  const options = "--strict --noEmit --exactOptionalPropertyTypes --target esnext --lib esnext,dom --module nodenext --jsx react-jsx";
  const entries = ["index.d.ts", "documents/index.d.ts", "metro.d.cts", "projects.d.ts", "react-native.d.ts", "react/index.d.ts", "react/native.d.ts", "webcrypto.d.ts"].map((name) => file(`../dist/${name}`));
  const output = await new Promise((resolve) => {
    execFile(process.execPath, [require.resolve("typescript/bin/tsc"), ...options.split(" "), ...entries], { cwd: file("..") }, (error, stdout) => resolve(error === null ? "" : stdout || error.message));
  });
  assert.equal(output, "");
});
