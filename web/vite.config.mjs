import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const worker = "http://localhost:8787";

// The service worker stores the app's files. The build gives it their names.
const serviceWorker = {
  name: "service-worker",
  apply: "build",
  generateBundle(_, bundle) {
    const files = ["/", ...readdirSync("public").filter((file) => file !== "_headers").map((file) => `/${file}`)];
    files.push(...Object.keys(bundle).filter((file) => file !== "index.html").map((file) => `/${file}`));
    const version = createHash("sha256").update(files.join()).digest("hex").slice(0, 12);
    const source = `const version = ${JSON.stringify(version)};\nconst files = ${JSON.stringify(files)};\n${readFileSync("sw.js", "utf8")}`;
    this.emitFile({ type: "asset", fileName: "sw.js", source });
  },
};

const slim = (name) => fileURLToPath(new URL(`slim/${name}.js`, import.meta.url));
const modules = fileURLToPath(new URL("node_modules", import.meta.url));

// The modules that the page of a signed-in person loads at once, and the sign-in page does not.
const device =
  /node_modules.(@nozbe|lokijs|rxjs|@trpc|@babel)|client.dist.(session|work|safe-sync|exchange|parts|pending|sync-log|replacement|turbo|changes|failure|source|triggers|subscribe|structured|clock\.|random|uuid|platform|documents.(unsaved|listeners|marks|options|save-rooms|saving|indexeddb))/;

export default defineConfig({
  // WatermelonDB's own shim for bundlers has only the part of RxJS that it uses: 100 KB less. RxJS' build for
  // ES2015 needs tslib only for what slim/ replaces, and nothing uses that: 6 KB less.
  resolve: {
    alias: [
      { find: /^\.\.?\/__wmelonRxShim$/, replacement: `${modules}/@nozbe/watermelondb/utils/rx/__wmelonRxShimESM2015/index.js` },
      { find: /^rxjs\/dist\/esm5\//, replacement: `${modules}/rxjs/dist/esm/` },
      { find: /^@nozbe\/watermelondb\/decorators$/, replacement: slim("decorators") },
      { find: "lokijs/src/loki-indexed-adapter", replacement: slim("loki-indexed-adapter") },
      { find: /^\.\.\/scheduled\/scheduled$/, replacement: slim("rxjs-scheduled") },
      { find: /^(\.|\.\.\/observable)\/innerFrom$/, replacement: slim("rxjs-inner-from") },
    ],
  },
  plugins: [react(), serviceWorker],
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // @trpc/client does not say that its modules have no side effects, so its WebSocket link would come, too.
      treeshake: { moduleSideEffects: [{ test: /node_modules.@trpc.client/, sideEffects: false }] },
      // One file compresses better than several.
      output: { codeSplitting: { includeDependenciesRecursively: false, groups: [{ name: "device", test: device }] } },
    },
  },
  // `npm run dev` beside `make dev`: the page reloads by itself, and the Worker serves the API.
  server: {
    proxy: Object.fromEntries(
      ["/trpc", "/auth", "/dev", "/api", "/healthz", "/readyz", "/s/", "/sync", "/yjs", "/hocuspocus"].map((path) => [path, { target: worker, ws: true }]),
    ),
  },
});
