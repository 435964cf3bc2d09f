// Node's resolution, as Metro's is with the kit's configuration for devices.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { resolver } = createRequire(import.meta.url)("../dist/metro.cjs").withTidemark({});

export function resolve(specifier, context, next) {
  const own = resolver.resolveRequest({ resolveRequest: () => null }, specifier, "ios");
  if (own !== null) return { url: pathToFileURL(own.filePath).href, shortCircuit: true };
  return next(specifier, { ...context, conditions: ["react-native", ...context.conditions] });
}
