// The token of this tab. It is kept until the tab is closed: a console is not left open for the next person.
import { useSyncExternalStore } from "react";

const key = "tidemark-console-token";
const listeners = new Set<() => void>();
let ended = "";

export const session = {
  token: () => sessionStorage.getItem(key),
  /** Why the last session ended, for the sign-in to say. */
  reason: () => ended,
  begin(token: string) {
    sessionStorage.setItem(key, token);
    ended = "";
    tell();
  },
  end(reason = "") {
    sessionStorage.removeItem(key);
    ended = reason;
    tell();
  },
};

const tell = () => listeners.forEach((listener) => listener());

export const useToken = () =>
  useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, session.token);
