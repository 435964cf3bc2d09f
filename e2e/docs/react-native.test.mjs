// The code blocks of docs/guide-react-native.md are lines of examples/react-native, which e2e/react-native runs. A block
// names its file in its first line.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { root } from "../doors.mjs";

const read = (file) => readFileSync(path.join(root, file), "utf8");
const blocks = [...read("docs/guide-react-native.md").matchAll(/```ts\n\/\/ (\S+)\n([^]*?)```/g)];
const linesOf = (code) => code.split("\n").map((line) => line.trim()).filter((line) => line !== "");

test("the guide has code blocks of the example", () => assert.ok(blocks.length >= 5));

for (const [, file, code] of blocks) {
  const lines = linesOf(code);
  test(`${file} of the example has ${lines[0]}`, () => {
    const theirs = linesOf(read(`examples/react-native/${file}`));
    let at = 0;
    for (const line of lines) {
      at = theirs.indexOf(line, at) + 1;
      assert.notEqual(at, 0, `${file} has no ${line}`);
    }
  });
}
