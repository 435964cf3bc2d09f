// For metro.config.js of a React Native or Expo app.

declare const __dirname: string;

interface Resolution {
  type: string;
  filePath?: string;
}
interface ResolutionContext {
  resolveRequest(context: ResolutionContext, moduleName: string, platform: string | null): Resolution;
}
interface MetroConfig {
  resolver?: { resolveRequest?: ((context: ResolutionContext, moduleName: string, platform: string | null) => Resolution) | null | undefined } | undefined;
}

/**
 * Returns the Metro configuration with one change: on devices the random numbers of Yjs come from `tidemark-client/webcrypto`.
 * Otherwise `lib0/webcrypto` would ask for `isomorphic-webcrypto`.
 */
function withTidemark<Config extends MetroConfig>(config: Config): Config {
  const before = config.resolver?.resolveRequest;
  const resolveRequest = (context: ResolutionContext, moduleName: string, platform: string | null) => {
    if (moduleName === "lib0/webcrypto" && platform !== "web") return { type: "sourceFile", filePath: `${__dirname}/webcrypto.js` };
    return (before ?? context.resolveRequest)(context, moduleName, platform);
  };
  return { ...config, resolver: { ...config.resolver, resolveRequest } };
}

export = { withTidemark };
