// The names of functions in profiles, and their parts.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { nameOfGo, namesOf, partOfGo, partOfV8 } from "./names.mjs";

test("a function that perf has seen is of a part of the self-hosted server", () => {
  for (const [dso, symbol, name, part] of [
    ["tidemark", "[.] modernc.org/sqlite/lib._sqlite3VdbeExec", "sqlite._sqlite3VdbeExec", "SQLite"],
    ["tidemark", "[.] modernc.org/libc.Xmemcpy", "libc.Xmemcpy", "SQLite"],
    ["tidemark", "[.] runtime.memmove", "runtime.memmove", "copies"],
    ["tidemark", "[.] runtime.scanobject", "runtime.scanobject", "Go's collector and zeroing"],
    ["tidemark", "[.] runtime.(*mspan).base", "runtime.(*mspan).base", "Go's collector and zeroing"],
    ["tidemark", "[.] runtime.findRunnable", "runtime.findRunnable", "Go's runtime: scheduler, allocator, maps"],
    ["tidemark", "[.] net/http.(*conn).serve", "net/http.(*conn).serve", "HTTP and sockets"],
    ["tidemark", "[.] github.com/tetratelabs/wazero/internal/engine/wazevo.x", "wazero/internal/engine/wazevo.x", "wazero outside of compiled code"],
    ["tidemark", "[.] tidemark/wasm/edge.rows", "tidemark/wasm/edge.rows", "the host"],
    ["[kernel.kallsyms]", "[k] clear_page_erms", "kernel: clear_page_erms", "the kernel"],
    ["[JIT] tid 12", "[.] 0x00007f0011223344", "the guest", "the guest, compiled by wazero"],
    ["//anon", "[.] 0x00007f0011223344", "the guest", "the guest, compiled by wazero"],
  ]) {
    deepEqual([nameOfGo(dso, symbol), partOfGo(dso, symbol)], [name, part], symbol);
  }
});

test("a function that V8 has seen is of a part of the Worker", () => {
  const names = new Map([[3, "runtime.chansend"], [4, "tidemark_shared_auth.parse"]]);
  const frame = (functionName, url = "", lineNumber = 0) => ({ functionName, url, lineNumber });
  for (const [seen, name, part] of [
    [frame("wasm-function[3]", "wasm://wasm/1234"), "runtime.chansend", "Go's runtime in the guest"],
    [frame("wasm-function[4]", "wasm://wasm/1234"), "tidemark_shared_auth.parse", "the guest"],
    [frame("wasm-function[5]", "wasm://wasm/1234"), "wasm-function[5]", "the guest"],
    [frame("(garbage collector)"), "V8's collector", "V8's collector"],
    [frame("(program)"), "workerd outside of JavaScript", "workerd outside of JavaScript"],
    [frame("text"), "text of V8", "functions of V8 and workerd"],
    [frame(""), "V8, without a name", "functions of V8 and workerd"],
    [frame("toJson", "cloudflare-internal:d1-api", 615), "toJson (cloudflare-internal:d1-api:616)", "workerd's own JavaScript: the client of D1"],
    [frame("open", "file:///worker/frame.mjs", 97), "open (frame.mjs:98)", "the glue of worker/*.mjs"],
  ]) {
    deepEqual(partOfV8(seen, names), [name, part]);
  }
});

test("the names of a module are those of its functions, by their number", () => {
  const text = (s) => [s.length, ...Buffer.from(s)];
  const part = (id, bytes) => [id, bytes.length, ...bytes];
  const functions = [2, 0, ...text("first"), 0x80, 0x02, ...text("the 256th")];
  const custom = [...text("name"), ...part(0, text("module")), ...part(1, functions), ...part(2, [0])];
  const other = part(0, [...text("producers"), 1, ...text("x")]);
  const module = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...other, ...part(1, [0]), ...part(0, custom)]);
  const names = namesOf(module);
  equal(names.size, 2);
  deepEqual([names.get(0), names.get(256)], ["first", "the 256th"]);
});
