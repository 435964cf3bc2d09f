// The engines that run the app: a context of V8 without any of Node's globals, and Hermes.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import vm from "node:vm";

// What begins a call of the phone in the output of Hermes.
const mark = "\u0001";

// What V8 has of its own, and Hermes has not.
const onlyV8 = ["WebAssembly", "SharedArrayBuffer", "Atomics", "FinalizationRegistry"];
const hermes = `globalThis.HermesInternal = { hasPromise: () => true, getRuntimeProperties: () => ({}) }; for (const name of ${JSON.stringify(onlyV8)}) delete globalThis[name];`;

/** Returns an engine that runs a bundle in a context of its own. */
export function inContext(bundle) {
  const script = new vm.Script(bundle, { filename: "app.bundle" });
  return async (host, modules) => {
    const context = vm.createContext(Object.create(null), { codeGeneration: { strings: true } });
    Object.assign(context, { $host: host, $answers: true });
    vm.runInContext(`$modules = ${JSON.stringify(modules)}; ${hermes}`, context);
    script.runInContext(context);
    return { receive: (json) => context.receive(json), end() {} };
  };
}

/** Returns an engine that runs a bundle in Hermes, which cannot wait for an answer: WatermelonDB goes without JSI. */
export function inHermes(bundle, executable) {
  return async (host, modules) => {
    const child = spawn(executable, [], { stdio: ["pipe", "pipe", "inherit"] });
    const run = (code) => child.stdin.write(`(0, eval)(${JSON.stringify(code)}), undefined\n`);
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => {
      const [, json] = line.split(mark);
      if (json !== undefined) host(json);
      else if (!/^(>> )*(undefined)?$/.test(line)) console.error(line);
    });
    run(`$host = (json) => print(${JSON.stringify(mark)} + json); $answers = false; $modules = ${JSON.stringify(modules)};`);
    run(bundle);
    return { receive: (json) => run(`receive(${JSON.stringify(json)})`), end: () => child.kill("SIGKILL") };
  };
}
