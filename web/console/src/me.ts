// What the token may do in a place: it decides which buttons the page offers. The server decides what is done.
import { createContext, useContext } from "react";
import { call, Failure } from "./api";
import { inPlace } from "./route";

export const permissions = [
  "sync:read", "sync:write", "projects:read", "projects:write", "yjs:read", "yjs:write", "sync:admin", "spaces:admin",
] as const;
export type Permission = (typeof permissions)[number];

/** The response of GET /auth/me. */
export interface Me {
  subject: string;
  scope: Permission[];
  spaces: string[] | null;
  rooms: string[] | null;
  expires_at: number | null;
  makes_tokens: boolean;
}

/** Asks what a token may do in a place. Null: the token does not reach the place. */
export async function askMe(place: string, token?: string): Promise<Me | null> {
  try {
    return (await call<Me>("GET", inPlace(place, "/auth/me"), undefined, { token })).body;
  } catch (error) {
    if (error instanceof Failure && error.status === 403) return null;
    throw error;
  }
}

export const MeContext = createContext<Me | null>(null);

/** What the token may do in the place that is shown; null if it does not reach it. */
export const useMe = () => useContext(MeContext);

/** Whether the token has a permission in the place that is shown. */
export function useMay(): (...needed: Permission[]) => boolean {
  const me = useMe();
  return (...needed) => needed.every((permission) => me?.scope.includes(permission));
}
