// Metro's bundle of the example app, with the settings of the app.
import { createRequire } from "node:module";
import path from "node:path";
import { root } from "../doors.mjs";

const app = path.join(root, "examples/react-native");
const here = path.join(root, "e2e/react-native");

/**
 * Writes the bundle of entry.ts and the app for a platform, android or ios. It fails if Metro cannot find a module.
 * The transforms are those of Expo for its Hermes, or if `old` for a Hermes without classes and async functions.
 */
export async function bundle(platform, out, old = false) {
  process.env.EXPO_NO_TELEMETRY = "1";
  const { loadConfig, runBuild } = createRequire(path.join(app, "package.json"))("metro");
  const config = await loadConfig({ config: path.join(app, "metro.config.js"), cwd: app, maxWorkers: 2 });
  const { resolveRequest } = config.resolver;
  const resolver = {
    ...config.resolver,
    // entry.ts is not in the app's folder, and takes its packages from there.
    resolveRequest: (context, name, to) =>
      resolveRequest(context.originModulePath.startsWith(here) && !name.startsWith(".") ? { ...context, originModulePath: path.join(app, "package.json") } : context, name, to),
  };
  const { getPolyfills } = config.serializer;
  const serializer = {
    ...config.serializer,
    getPolyfills: (context) => [path.join(here, "preamble.js"), ...getPolyfills(context)],
    // Expo adds globals of its own before an app. The test's entry loads Expo only when the test says so.
    getModulesRunBeforeMainModule: () => [],
  };
  const reporter = { update() {} };
  await runBuild({ ...config, reporter, resolver, serializer, watchFolders: [...config.watchFolders, here] }, {
    entry: path.join(here, "entry.ts"), platform, out, dev: false, minify: false, customTransformOptions: old ? {} : { engine: "hermes" },
  });
}
