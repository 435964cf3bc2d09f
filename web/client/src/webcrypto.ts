// What Yjs's library lib0 needs of `lib0/webcrypto`. Metro loads this in its place (metro.cts): its own
// version for React Native needs a package that nobody maintains.
export { getRandomValues } from "./random.js";

export const subtle = globalThis.crypto?.subtle;
