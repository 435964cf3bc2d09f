// The kit's parts for React Native. The app gives them the modules, so the kit depends on none.
import type { Platform } from "./platform.js";

export { sqliteDocuments, type SqliteDatabase } from "./documents/sqlite.js";

/** React Native's AppState, as far as it is needed here. */
export interface AppStateLike {
  addEventListener(type: "change", listener: (state: string) => void): { remove(): void };
}

/** `@react-native-community/netinfo`, as far as it is needed here. */
export interface NetInfoLike {
  addEventListener(listener: (state: { isConnected: boolean | null }) => void): () => void;
}

/**
 * The platform of a React Native app: the app becomes active by AppState, and goes online and offline by NetInfo.
 * Without NetInfo sockets find out by themselves, with growing waits.
 */
export function reactNativePlatform({ AppState, NetInfo }: { AppState: AppStateLike; NetInfo?: NetInfoLike | undefined }): Platform {
  return {
    onActive(listener) {
      const subscription = AppState.addEventListener("change", (state) => {
        if (state === "active") listener();
      });
      return () => subscription.remove();
    },
    ...(NetInfo && { onConnection: (listener: (online: boolean) => void) => NetInfo.addEventListener(changes(listener)) }),
  };
}

// changes calls the listener when the connection changes. NetInfo calls at once with the present state, and again for
// each change of its details, such as the strength of the signal. It does not know at first (null).
function changes(listener: (online: boolean) => void) {
  let before: boolean | undefined;
  return ({ isConnected }: { isConnected: boolean | null }) => {
    if (isConnected === null || isConnected === before) return;
    const first = before === undefined;
    before = isConnected;
    if (!first || !isConnected) listener(isConnected);
  };
}
