// The names of functions in profiles, and the parts of the system that they belong to.

// nameOfGo returns the name of a function as perf knows it: code that wazero compiled has none.
export function nameOfGo(dso, symbol) {
  if (isKernel(dso)) return `kernel: ${bare(symbol)}`;
  if (!dso.startsWith("tidemark")) return "the guest";
  return bare(symbol).replace("modernc.org/sqlite/lib.", "sqlite.").replace("modernc.org/libc.", "libc.").replace("github.com/tetratelabs/wazero/", "wazero/");
}

// The kernel's functions are of [kernel.kallsyms], or of [guest.kernel.kallsyms] in a virtual machine.
const isKernel = (dso) => dso.includes("kernel");
const bare = (symbol) => symbol.replace(/^\[[.kg]\] /, "").trim();

const collector = /^runtime\.(gc|scan|sweep|mark|grey|find[oO]bject|\(\*(gc|mspan|sweep|mheap|mcentral|spanInlineMark|limiter)|wbBuf|bgs|tryDefer|spanOf|typePointers|heapBits|memclr|madvise|stopTheWorld|deductSweep)/;

// partOfGo returns the part of the self-hosted server that a function belongs to.
export function partOfGo(dso, symbol) {
  const name = bare(symbol);
  if (isKernel(dso)) return "the kernel";
  if (!dso.startsWith("tidemark")) return "the guest, compiled by wazero";
  if (/^modernc\.org\//.test(name)) return "SQLite";
  if (/^runtime\.(memmove|typedmemmove|bulkBarrier)/.test(name)) return "copies";
  if (collector.test(name)) return "Go's collector and zeroing";
  if (/^(runtime|sync|internal\/runtime)[./]/.test(name)) return "Go's runtime: scheduler, allocator, maps";
  if (/^github\.com\/tetratelabs\/wazero/.test(name)) return "wazero outside of compiled code";
  if (/^(net|crypto|bufio|vendor\/|compress|internal\/poll|syscall|io)\b/.test(name)) return "HTTP and sockets";
  return "the host";
}

// partOfV8 returns the name of a function of V8's profile, and the part that it belongs to. names are those of
// the module's functions by their number.
export function partOfV8({ functionName, url, lineNumber }, names) {
  if (url.startsWith("wasm")) {
    const number = /wasm-function\[(\d+)\]/.exec(functionName)?.[1];
    const name = names.get(Number(number)) ?? functionName;
    return [name, /^(runtime|internal\/runtime\/\w+|sync)[._]/.test(name) || /^(memeqbody|wasm_|_rt0|gcWriteBarrier|callRet)/.test(name) ? "Go's runtime in the guest" : "the guest"];
  }
  if (functionName === "(garbage collector)") return ["V8's collector", "V8's collector"];
  if (functionName === "(program)") return ["workerd outside of JavaScript", "workerd outside of JavaScript"];
  if (!url) return [functionName ? `${functionName} of V8` : "V8, without a name", "functions of V8 and workerd"];
  if (url.includes("-internal:")) return [`${functionName || "anonymous"} (${url}:${lineNumber + 1})`, "workerd's own JavaScript: the client of D1"];
  return [`${functionName || "anonymous"} (${url.split("/").pop()}:${lineNumber + 1})`, "the glue of worker/*.mjs"];
}

// namesOf returns the names of a module's functions by their number, of its section "name".
export function namesOf(module) {
  const names = new Map();
  let at = 8;
  const number = () => {
    let value = 0, shift = 0, byte;
    do {
      byte = module[at++];
      value += (byte & 127) * 2 ** shift;
      shift += 7;
    } while (byte & 128);
    return value;
  };
  const text = () => {
    const length = number();
    return module.toString("utf8", at, (at += length));
  };
  while (at < module.length) {
    const id = module[at++];
    const end = number() + at;
    if (id === 0 && text() === "name") {
      while (at < end) {
        const part = module[at++];
        const partEnd = number() + at;
        if (part === 1) for (let n = number(); n > 0; n--) names.set(number(), text());
        at = partEnd;
      }
    }
    at = end;
  }
  return names;
}
