// The console, a page of its own beside the demo: /console is dist/console.html, and its files are in
// dist/assets/console. The demo's build comes first, as it empties dist. So the demo's service worker names none of them.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = fileURLToPath(new URL(".", import.meta.url));
const worker = "http://localhost:8787";

export default defineConfig({
  root: here,
  publicDir: "../public",
  // Preact for React: 50 KB less for a page that an operator opens now and then, perhaps on a phone.
  resolve: {
    alias: [
      { find: /^react(-dom)?$/, replacement: "preact/compat" },
      { find: /^react-dom\/client$/, replacement: "preact/compat/client" },
      { find: /^react\/jsx-(dev-)?runtime$/, replacement: "preact/jsx-runtime" },
    ],
  },
  build: {
    target: "es2022",
    outDir: "../dist",
    emptyOutDir: false,
    copyPublicDir: false, // the demo's build has done it
    assetsDir: "assets/console",
    modulePreload: { polyfill: false },
    rolldownOptions: { input: `${here}console.html` },
  },
  // `npm run dev:console` beside `make dev`: http://localhost:5174/console.html.
  server: {
    port: 5174,
    fs: { allow: [".."] },
    proxy: Object.fromEntries(
      ["/auth", "/dev", "/api", "/overview", "/spaces", "/s/", "/sync", "/yjs/", "/export", "/webhooks", "/healthz"].map((path) => [path, { target: worker }]),
    ),
  },
});
