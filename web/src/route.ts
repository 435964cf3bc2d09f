// Pages live in the part of the URL behind the #, so the server has but one
// page and every other path is the API's.
import { useSyncExternalStore } from "react";

const subscribe = (listener: () => void) => {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
};

/** The parts of the path: `#/customers/42` is ["customers", "42"]. */
export function useRoute(): string[] {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  return hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decode);
}

// decode takes a link that somebody cut or typed as it is.
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const href = (...parts: string[]) => `#/${parts.map(encodeURIComponent).join("/")}`;

export const go = (...parts: string[]) => void (location.hash = href(...parts));
