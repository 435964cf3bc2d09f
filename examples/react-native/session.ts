// Who is signed in. A real app gets its token from an identity provider, and keeps it in expo-secure-store.
import Storage from "expo-sqlite/kv-store";

export interface Session {
  url: string;
  token: string;
}

const key = "session";

export async function signedIn(): Promise<Session | null> {
  const stored = await Storage.getItem(key);
  return stored === null ? null : JSON.parse(stored);
}

export const keepSession = (session: Session) => Storage.setItem(key, JSON.stringify(session));

export const forgetSession = () => Storage.removeItem(key);

/** Gets a token for a name from a development server. The server must see the phone as its own machine: `adb reverse tcp:8787 tcp:8787`. */
export async function devLogin(url: string, name: string): Promise<Session> {
  const response = await fetch(`${url}/dev/login`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ name }) });
  if (!response.ok) throw new Error(`The server returned status ${response.status}: ${await response.text()}`);
  const { token } = await response.json();
  return { url, token };
}

/** The subject of a token. The server decides by the token itself whether it is valid. */
export const subjectOf = (token: string): string =>
  JSON.parse(decodeURIComponent(escape(atob(token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/"))))).sub;
