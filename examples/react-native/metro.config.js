const path = require("node:path");
const { getDefaultConfig } = require("expo/metro-config");

// In this repository the client kit comes from its folder, and takes its packages from the app's. An app elsewhere
// installs tidemark-client. Its whole file is:
//   module.exports = require("tidemark-client/metro").withTidemark(getDefaultConfig(__dirname));
const kit = path.resolve(__dirname, "../../web/client");
const { withTidemark } = require(path.join(kit, "dist/metro.cjs"));
const here = path.join(__dirname, "package.json");

const config = getDefaultConfig(__dirname);
config.watchFolders = [kit];
config.resolver.extraNodeModules = { "tidemark-client": kit };
config.resolver.resolveRequest = (context, name, platform) => {
  const ofKit = context.originModulePath.startsWith(kit + path.sep) && !name.startsWith(".");
  return context.resolveRequest(ofKit ? { ...context, originModulePath: here } : context, name, platform);
};

module.exports = withTidemark(config);
