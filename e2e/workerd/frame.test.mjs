// The frames that the glue writes, against the rules of package abi.
import { test } from "node:test";
import assert from "node:assert/strict";
import { Writer } from "../../worker/frame.mjs";

const u32 = (n) => {
  const b = Buffer.alloc(4);
  b.writeUInt32LE(n);
  return b;
};
const f64 = (n) => {
  const b = Buffer.alloc(8);
  b.writeDoubleLE(n);
  return b;
};
const sized = (bytes) => Buffer.concat([u32(bytes.length), bytes]);
const cellOf = (v) => {
  if (v === null) return Buffer.of(0);
  if (typeof v === "number") return Buffer.concat([Buffer.of(1), f64(v)]);
  if (typeof v === "string") return Buffer.concat([Buffer.of(2), sized(Buffer.from(v))]);
  return Buffer.concat([Buffer.of(3), sized(Buffer.from(v))]);
};

// frameOf is abi.AppendResults.
const frameOf = (results) =>
  Buffer.concat([
    u32(results.length),
    ...results.flatMap(({ changes, columns, rows }) => [
      f64(changes), u32(columns.length), ...columns.map((c) => sized(Buffer.from(c))), u32(rows.length), ...rows.flat().map(cellOf),
    ]),
  ]);

const bytesOf = (writer, lent) => (writer.lent ? Buffer.from(lent.subarray(0, writer.length)) : Buffer.concat(writer.parts));

const texts = ["", "a", "ä", "x".repeat(31) + "é", "y".repeat(32), "z".repeat(33), "日本語".repeat(20), "😀".repeat(9), "\ud800", "w".repeat(1363), "v".repeat(1364) + "ß", "long".repeat(3000)];
const results = [
  { changes: 0, columns: [], rows: [] },
  { changes: 3, columns: ["id", "größe"], rows: texts.map((text, i) => [i % 3 === 0 ? null : i / 3, text]) },
  { changes: 1, columns: ["blob"], rows: [[[1, 2, 255]], [new Uint8Array(5000).fill(7).buffer]] },
];

test("a frame is that of package abi, whatever part of it the lent bytes hold", () => {
  const want = frameOf(results);
  assert.deepEqual(bytesOf(new Writer().results(results)), want);
  for (let size = 0; size < want.length + 5000; size += size < 400 ? 1 : 97) {
    const lent = new Uint8Array(size);
    const writer = new Writer(lent).results(results);
    assert.equal(writer.length, want.length, `${size} bytes lent`);
    const frame = bytesOf(writer, lent.slice());
    lent.fill(255); // the next frame takes them
    if (!writer.lent) assert.deepEqual(bytesOf(writer), frame, `${size} bytes lent: the frame has a view of them`);
    assert.ok(frame.equals(want), `${size} bytes lent`);
  }
});

test("a short frame stays in the lent bytes", () => {
  const lent = new Uint8Array(200);
  const short = [{ changes: 1, columns: ["a"], rows: [["text"]] }];
  const writer = new Writer(lent).results(short);
  assert.ok(writer.lent);
  assert.deepEqual(bytesOf(writer, lent), frameOf(short));
});
