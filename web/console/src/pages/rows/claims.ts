// The claims of a token, as a person pastes them: JSON, or a whole token.

export interface Pasted {
  claims: Record<string, unknown>;
  /** The claims came from a whole token, whose signature is left out here. */
  decoded: boolean;
}

/** Reads claims. It throws an error for the person. */
export function readClaims(text: string): Pasted {
  const pasted = text.trim().replace(/^Bearer\s+/i, "");
  const [, payload] = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(pasted) ?? [];
  let claims: unknown;
  try {
    claims = JSON.parse(payload === undefined ? pasted : decode(payload));
  } catch {
    throw new Error(payload === undefined ? 'This is neither JSON, such as {"sub": "u1"}, nor a token.' : "The payload of this token is not JSON.");
  }
  if (typeof claims !== "object" || claims === null || Array.isArray(claims)) throw new Error("Claims are an object of JSON.");
  return { claims: claims as Record<string, unknown>, decoded: payload !== undefined };
}

const decode = (base64url: string) =>
  new TextDecoder().decode(Uint8Array.from(atob(base64url.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0)));
