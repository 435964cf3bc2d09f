// The spaces that a token reaches. The server decides; the page asks the token only what to offer.
import { isSpaceName } from "tidemark-client";

/** The root's name. */
export const root = "";

export interface Reach {
  /** The spaces that the token names in full, the root first. */
  named: string[];
  includes(space: string): boolean;
}

/** Reads the claim `spaces`: globs, or an object whose keys are globs. A token without it reaches the root alone. */
export function reachOf(claim: unknown): Reach {
  const globs = claim === undefined ? [root] : Array.isArray(claim) ? claim.map(String) : Object.keys(claim ?? {});
  const patterns = globs.filter((glob) => glob !== root).map(patternOf);
  return {
    named: [...new Set(globs)].filter((glob) => glob === root || isSpaceName(glob)).sort(),
    includes: (space) => (space === root ? globs.includes(root) : isSpaceName(space) && patterns.some((pattern) => pattern.test(space))),
  };
}

const signs: Record<string, string> = { "*": ".*", "?": "." };
const patternOf = (glob: string) => new RegExp(`^${glob.replace(/[^\w]/g, (sign) => signs[sign] ?? `\\${sign}`)}$`);
