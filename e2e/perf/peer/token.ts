// claimsOf checks an HS256 token with WebCrypto and returns its claims. It imports the key
// once.
let key: CryptoKey | undefined;
const decode = (part: string) => Uint8Array.from(atob(part.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

export interface Claims {
  sub: string;
  exp: number;
  spaces?: string[];
}

export async function claimsOf(token: string, secret: string): Promise<Claims | undefined> {
  const [header, body, signature] = token.split(".");
  if (!signature) return undefined;
  key ??= await crypto.subtle.importKey("raw", new TextEncoder().encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  const valid = await crypto.subtle.verify("HMAC", key, decode(signature), new TextEncoder().encode(`${header}.${body}`));
  if (!valid) return undefined;
  const claims = JSON.parse(new TextDecoder().decode(decode(body)));
  return claims.exp * 1000 > Date.now() ? claims : undefined;
}

// verify returns the subject of a valid token.
export const verify = async (token: string, secret: string) => (await claimsOf(token, secret))?.sub;
