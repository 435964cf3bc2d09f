// The first request of a fresh instance, in Node: V8 says on the standard output which functions it compiles for it.
//
//	node --trace-wasm-compilation-times e2e/workerd/first.mjs
import { register } from "node:module";

// Node has neither workerd's module nor an import of a module of WebAssembly.
const hooks = `
  export function resolve(name, context, next) {
    if (name === "cloudflare:workers") return { url: "data:text/javascript,export class DurableObject {}", shortCircuit: true };
    if (!name.endsWith(".wasm")) return next(name, context);
    return { url: "wasm:" + new URL(name, context.parentURL).pathname, shortCircuit: true };
  }
  export function load(url, context, next) {
    if (!url.startsWith("wasm:")) return next(url, context);
    const source = \`import { readFileSync } from "node:fs"; export default new WebAssembly.Module(readFileSync(\${JSON.stringify(url.slice(5))}));\`;
    return { format: "module", source, shortCircuit: true };
  }`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
const { default: worker } = await import("../../worker/worker.mjs");
const env = { AUTH_SECRET: "a secret that only these tests know", DB: {} };
const response = await worker.fetch(new Request("http://127.0.0.1/healthz"), env, { waitUntil() {} });
console.log(`response: ${response.status} ${await response.text()}`);
