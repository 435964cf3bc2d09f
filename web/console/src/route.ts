// The route is the part of the URL behind the #: `#/rows/visits?order=changed` is a page of the root, and
// `#/s/acme/rows/visits` the same page of the space acme. A place is the root, whose name is "", or a space.
import { useMemo, useSyncExternalStore } from "react";

export interface Route {
  place: string;
  page: string;
  /** The parts behind the page: ["visits"]. */
  rest: string[];
  query: URLSearchParams;
}

type Query = Record<string, string | undefined>;

const subscribe = (listener: () => void) => {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
};

// decode returns an incomplete escape, as of a link that was cut, unchanged.
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function routeOf(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const parts = path.split("/").filter(Boolean).map(decode);
  const place = parts[0] === "s" ? (parts[1] ?? "") : "";
  const [page = "overview", ...rest] = parts[0] === "s" ? parts.slice(2) : parts;
  return { place, page, rest, query: new URLSearchParams(query) };
}

export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  return useMemo(() => routeOf(hash), [hash]);
}

/** The link to a page of a place. Members of query that are undefined or empty are left out. */
export function hrefIn(place: string, parts: string[], query: Query = {}): string {
  const path = [...(place === "" ? [] : ["s", place]), ...parts].map(encodeURIComponent).join("/");
  const given = Object.entries(query).filter((pair): pair is [string, string] => !!pair[1]);
  return `#/${path}${given.length === 0 ? "" : `?${new URLSearchParams(given)}`}`;
}

/** The link to a page of the place that is shown. */
export const href = (parts: string[], query?: Query) => hrefIn(routeOf(location.hash).place, parts, query);

/** Goes to a page of the place that is shown. */
export const go = (parts: string[], query?: Query) => void (location.hash = href(parts, query));

/** The path of a route of the server in a place: in("acme", "/sync/rows") is /s/acme/sync/rows. */
export const inPlace = (place: string, path: string) => (place === "" ? path : `/s/${encodeURIComponent(place)}${path}`);

/** What the page calls a place. */
export const titleOf = (place: string) => (place === "" ? "the root" : `the space ${place}`);
