// Until the server has GET /auth/me: what the claims of a token say.
import { reachOf } from "../../src/reach";
import { permissions, type Me, type Permission } from "./me";

export function claimsMe(place: string, token: string): Me | null {
  const body = token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/");
  const { sub, scope, spaces, rooms, exp } = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(body), (c) => c.charCodeAt(0))));
  if (!reachOf(spaces).includes(place)) return null;
  const words: Permission[] = scope === undefined ? permissions.filter((p) => !p.endsWith(":admin")) : permissions.filter((p) => String(scope).split(" ").includes(p));
  return { subject: sub, scope: words, spaces: Array.isArray(spaces) ? spaces : null, rooms: rooms ?? null, expires_at: exp * 1000, makes_tokens: true };
}
