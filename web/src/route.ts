// The route is the part of the URL behind the #. So the server has one page, and every
// other path belongs to the API.
import { useSyncExternalStore } from "react";

const subscribe = (listener: () => void) => {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
};

/** Returns the parts of the route: ["customers", "42"] for `#/customers/42`. */
export function useRoute(): string[] {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  return hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decode);
}

// decode returns an incomplete escape, as of a link that was cut, unchanged.
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const href = (...parts: string[]) => `#/${parts.map(encodeURIComponent).join("/")}`;

export const go = (...parts: string[]) => void (location.hash = href(...parts));
