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

const modules = fileURLToPath(new URL("node_modules", import.meta.url));

export default defineConfig({
  // WatermelonDB's own shim for bundlers has only the part of RxJS that it uses: 100 KB less.
  resolve: {
    alias: [
      { find: /^\.\.?\/__wmelonRxShim$/, replacement: `${modules}/@nozbe/watermelondb/utils/rx/__wmelonRxShimESM2015/index.js` },
      // WatermelonDB's LokiJS adapter has two ways to store, and the app uses the incremental one.
      { find: "lokijs/src/loki-indexed-adapter", replacement: "lokijs/src/incremental-indexeddb-adapter" },
      { find: /^rxjs\/dist\/esm5\//, replacement: `${modules}/rxjs/dist/esm/` },
    ],
  },
  plugins: [react(), serviceWorker],
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    // Small parts of the kit that the page loads at first are one file.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "server", test: /client\/dist\/(server|documents\/(marks|unsaved|open-rooms))\.js/ }] } } },
  },
  // `npm run dev` beside `make dev`: the page reloads by itself, and the Worker serves the API.
  server: {
    proxy: Object.fromEntries(
      ["/trpc", "/auth", "/dev", "/api", "/healthz", "/readyz", "/s/", "/sync", "/yjs"].map((path) => [path, { target: worker, ws: true }]),
    ),
  },
});
