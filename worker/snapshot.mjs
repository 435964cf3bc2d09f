// Makes the module that workerd runs: the guest, and the memory that it has when it waits for
// boot. An instance of that module goes on from there, and never starts Go's runtime again.
// docs/abi.md says what a guest must not do before boot.
//
//	node worker/snapshot.mjs build/tidemark.wasm build/worker.wasm
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import "../build/wasm_exec.js";

// Sections of a module. WebAssembly specification, 5.5.2.
const CUSTOM = 0, MEMORY = 5, GLOBAL = 6, EXPORT = 7, DATA = 11;
const KIND_GLOBAL = 3, I32 = 0x7f, I32_CONST = 0x41, I64_CONST = 0x42, END = 0x0b;
const PAGE = 65536;
const MAX_GAP = 16; // the zeros between two data segments, above which they are two
const FIXED = 7; // values that Go's glue has before the program runs

const HEADER = Buffer.from("\0asm\x01\0\0\0", "latin1");

// snapshot returns the module that workerd runs for a guest.
export function snapshot(wasm) {
  const sections = [...sectionsOf(wasm)].filter(({ id }) => id !== CUSTOM);
  const types = globalTypes(sections.find(({ id }) => id === GLOBAL).body);
  const { exports, values, free } = run(withGlobals(sections, types.length));
  const memory = new Uint8Array(exports.mem.buffer);
  const now = {
    [MEMORY]: Buffer.from([1, 0, ...unsigned(memory.length / PAGE)]),
    [GLOBAL]: Buffer.from([
      ...unsigned(types.length),
      ...types.flatMap((type, n) => [type, 1, type === I32 ? I32_CONST : I64_CONST, ...signed(BigInt(exports[nameOf(n)].value)), END]),
    ]),
    [DATA]: data(memory),
  };
  return moduleOf([
    ...sections.map(({ id, body }) => ({ id, body: now[id] ?? body })),
    { id: CUSTOM, body: Buffer.concat([text("tidemark_values"), Buffer.from(JSON.stringify({ values, free }))]) },
  ]);
}

// The imports of Go's runtime that may be called before boot. The time of day and the calls of functions are
// not among them: their results would be those of the machine that builds.
const ALLOWED = new Set(["runtime.resetMemoryDataView", "runtime.nanotime1", "runtime.getRandomData", "runtime.wasmWrite",
  "syscall/js.valueGet", "syscall/js.valuePrepareString", "syscall/js.valueLoadString", "syscall/js.finalizeRef"]);

// run runs the program until it waits. It returns its exports, and the JavaScript values that it
// holds: each as [the place of the object that has it, the name of the property, how often Go holds it].
function run(wasm) {
  const module = new WebAssembly.Module(wasm);
  globalThis.context = {}; // syumai/workers keeps a reference to it
  const go = new Go();
  // The guest's heap is small, and the budget of its memory too: docs/abi.md.
  go.env = { GOGC: "200", GOMEMLIMIT: "48MiB", GODEBUG: "adaptivestackstart=1" };
  const { gojs } = go.importObject;
  let failure = null;
  const fail = (does) => {
    throw (failure ??= new Error(`the guest ${does} before it is booted`));
  };
  for (const name of Object.keys(gojs)) {
    if (!ALLOWED.has(name)) gojs[name] = () => fail(`calls ${name}`);
  }
  const { "runtime.getRandomData": random, "syscall/js.valueGet": get } = gojs;
  gojs["runtime.getRandomData"] = (sp) => {
    random(sp);
    gojs["runtime.getRandomData"] = () => fail("asks for random bytes"); // but for those of its hash tables
  };
  // The monotonic clock begins early, so that it never goes back, whatever the clock of the machine that builds.
  let nanoseconds = 1_000_000_000;
  gojs["runtime.nanotime1"] = (sp) => go.mem.setBigInt64((sp >>> 0) + 8, BigInt(nanoseconds++), true);
  const paths = new Map();
  gojs["syscall/js.valueGet"] = (sp) => {
    sp >>>= 0;
    const object = go.mem.getUint32(sp + 8, true);
    const at = Number(go.mem.getBigInt64(sp + 16, true));
    const name = Buffer.from(go.mem.buffer, at, Number(go.mem.getBigInt64(sp + 24, true))).toString();
    get(sp);
    const id = go.mem.getUint32(sp + 32, true);
    if (Number.isNaN(go.mem.getFloat64(sp + 32, true)) && id >= FIXED) paths.set(id, [object, name]);
  };
  go.importObject.gojs = Object.fromEntries(Object.keys(gojs).map((name) => [name, (sp) => gojs[name](sp)]));
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    if (from !== "gojs") (go.importObject[from] ??= {})[name] = () => fail(`calls ${name}`);
  }
  const instance = new WebAssembly.Instance(module, go.importObject);
  gojs["runtime.wasmExit"] = (sp) => fail(`ends with code ${go.mem.getInt32((sp >>> 0) + 8, true)}`);
  go.run(instance).catch((error) => (failure ??= error)); // it never ends
  if (failure) throw failure;
  const values = go._values.slice(FIXED).map((value, n) => {
    if (value === null) return null; // a free place
    return [...(paths.get(n + FIXED) ?? fail(`holds ${String(value)}, which no property has`)), go._goRefCounts[n + FIXED]];
  });
  return { exports: instance.exports, values, free: go._idPool };
}

// data returns the data section for a memory.
function data(memory) {
  const words = new BigUint64Array(memory.buffer);
  const segments = [];
  let start = -1, end = 0;
  const cut = () => {
    if (start >= 0) segments.push(Buffer.from([0, I32_CONST, ...signed(BigInt(start)), END, ...unsigned(end - start)]), memory.subarray(start, end));
  };
  for (let n = 0; n < words.length; n++) {
    if (words[n] === 0n) continue;
    if (start < 0 || n * 8 - end > MAX_GAP) {
      cut();
      start = n * 8;
    }
    end = n * 8 + 8;
  }
  cut();
  return Buffer.concat([Buffer.from(unsigned(segments.length / 2)), ...segments]);
}

const nameOf = (global) => `global ${global}`;

// withGlobals returns a module that exports its globals.
function withGlobals(sections, count) {
  const exports = Array.from({ length: count }, (_, n) => [text(nameOf(n)), Buffer.from([KIND_GLOBAL, ...unsigned(n)])]).flat();
  return moduleOf(sections.map(({ id, body }) => {
    if (id !== EXPORT) return { id, body };
    const [before, at] = readUnsigned(body, 0);
    return { id, body: Buffer.concat([Buffer.from(unsigned(before + count)), body.subarray(at), ...exports]) };
  }));
}

// globalTypes returns the type of each global. Go's linker makes all of them variable, of two types, and 0.
function globalTypes(body) {
  const [count, from] = readUnsigned(body, 0);
  return Array.from({ length: count }, (_, n) => body[from + 5 * n]);
}

function* sectionsOf(wasm) {
  for (let at = HEADER.length; at < wasm.length; ) {
    const [length, start] = readUnsigned(wasm, at + 1);
    yield { id: wasm[at], body: wasm.subarray(start, start + length) };
    at = start + length;
  }
}

const moduleOf = (sections) =>
  Buffer.concat([HEADER, ...sections.flatMap(({ id, body }) => [Buffer.from([id, ...unsigned(body.length)]), body])]);

function text(string) {
  const bytes = Buffer.from(string);
  return Buffer.concat([Buffer.from(unsigned(bytes.length)), bytes]);
}

// readUnsigned reads a number of LEB128, and returns it with the place after it.
function readUnsigned(bytes, at) {
  for (let n = 0, unit = 1; ; unit *= 128) {
    n += (bytes[at] & 0x7f) * unit;
    if (bytes[at++] < 0x80) return [n, at];
  }
}

function unsigned(n) {
  const out = [];
  for (; n >= 0x80; n = Math.floor(n / 128)) out.push((n % 128) | 0x80);
  return [...out, n];
}

function signed(n) {
  const out = [];
  for (; n < -64n || n > 63n; n >>= 7n) out.push(Number(n & 0x7fn) | 0x80);
  return [...out, Number(n & 0x7fn)];
}

const [, command, from, to] = process.argv;
if (command === fileURLToPath(import.meta.url)) {
  writeFileSync(to, snapshot(readFileSync(from)));
  process.exit(); // the program that waits would keep Node from ending
}
