// The engines that run the app: a context of V8 without any of Node's globals, and Hermes.
import { readFileSync } from "node:fs";
import vm from "node:vm";

const preamble = readFileSync(new URL("preamble.js", import.meta.url), "utf8");

// What V8 has of its own, and Hermes has not.
const onlyV8 = ["WebAssembly", "SharedArrayBuffer", "Atomics", "FinalizationRegistry"];
const hermes = `globalThis.HermesInternal = { hasPromise: () => true, getRuntimeProperties: () => ({}) }; for (const name of ${JSON.stringify(onlyV8)}) delete globalThis[name];`;

/** Returns an engine that runs a bundle in a context of its own. */
export function inContext(bundle) {
  const script = new vm.Script(bundle, { filename: "app.bundle" });
  return async (host, modules) => {
    const context = vm.createContext(Object.create(null), { codeGeneration: { strings: true } });
    context.$host = host;
    vm.runInContext(`${hermes}\n${preamble}(globalThis, $host, true, ${JSON.stringify(modules)}); delete globalThis.$host;`, context);
    script.runInContext(context);
    return { receive: (json) => context.receive(json), end() {} };
  };
}
