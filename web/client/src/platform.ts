// What the kit hears of the device and of the app's window.

/** The device and the app, as the kit hears of them. A platform lacks what it cannot tell. */
export interface Platform {
  /** Calls the listener whenever the app becomes active: when its page is shown, or it comes to the foreground. Returns a function that stops. */
  onActive?(listener: () => void): () => void;
  /** Calls the listener whenever the device goes online or offline. Returns a function that stops. */
  onConnection?(listener: (online: boolean) => void): () => void;
}

/** The events of a page; nothing where they do not exist. */
export const browserPlatform: Platform = {
  onActive(listener) {
    const { document } = globalThis;
    const changed = () => {
      if (document.visibilityState === "visible") listener();
    };
    document?.addEventListener?.("visibilitychange", changed);
    return () => document?.removeEventListener?.("visibilitychange", changed);
  },
  onConnection(listener) {
    const online = () => listener(true);
    const offline = () => listener(false);
    globalThis.addEventListener?.("online", online);
    globalThis.addEventListener?.("offline", offline);
    return () => {
      globalThis.removeEventListener?.("online", online);
      globalThis.removeEventListener?.("offline", offline);
    };
  },
};
