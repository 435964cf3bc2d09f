// The route is the part of the URL behind the #. So the server has one page, and every
// other path belongs to the API. `#/customers/42` is a page of the root, and
// `#/s/acme/customers/42` one of the space acme.
import { useSyncExternalStore } from "react";

const subscribe = (listener: () => void) => {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
};

const parts = () => location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decode);

// decode returns an incomplete escape, as of a link that was cut, unchanged.
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Returns the space of the route, and the parts behind it: ["customers", "42"]. */
function routeNow(): [space: string, parts: string[]] {
  const [first, space, ...rest] = parts();
  return first === "s" ? [space ?? "", rest] : ["", parts()];
}

/** Returns the space of the route; "" is the root. */
export const useSpace = () => useSyncExternalStore(subscribe, () => routeNow()[0]);

/** Returns the parts of the route behind the space: ["customers", "42"] for `#/customers/42`. */
export function useRoute(): string[] {
  useSyncExternalStore(subscribe, () => location.hash);
  return routeNow()[1];
}

/** The link to a page of a space. */
export const hrefIn = (space: string, ...parts: string[]) => `#/${[...(space === "" ? [] : ["s", space]), ...parts].map(encodeURIComponent).join("/")}`;

/** The link to a page of the space that is shown. */
export const href = (...parts: string[]) => hrefIn(routeNow()[0], ...parts);

export const go = (...parts: string[]) => void (location.hash = href(...parts));
