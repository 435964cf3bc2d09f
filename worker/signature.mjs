// The op OP_VERIFY: whether a public key made a signature.

const GOOD = new Uint8Array([1]), NOT_GOOD = new Uint8Array(0);
const RS256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const ES256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const EDDSA = { name: "Ed25519" };

const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

// algorithm returns the algorithm of WebCrypto and the JSON Web Key, or undefined.
function algorithm(alg, a, b) {
  if (alg === "RS256") return [RS256, { kty: "RSA", n: base64url(a), e: base64url(b) }];
  if (alg === "ES256") return [ES256, { kty: "EC", crv: "P-256", x: base64url(a), y: base64url(b) }];
  if (alg === "EdDSA") return [EDDSA, { kty: "OKP", crv: "Ed25519", x: base64url(a) }];
  return undefined;
}

// verifyFrame reads the frame of abi.Signature. It returns the byte 1, or none if the key did
// not make the signature. A malformed key made none.
export async function verifyFrame(reader) {
  const known = algorithm(reader.text(), reader.take(reader.u32()), reader.take(reader.u32()));
  const signed = reader.take(reader.u32()), signature = reader.take(reader.u32());
  if (known === undefined) return NOT_GOOD;
  const [how, jwk] = known;
  try {
    const key = await crypto.subtle.importKey("jwk", jwk, how, false, ["verify"]);
    return (await crypto.subtle.verify(how, key, signature, signed)) ? GOOD : NOT_GOOD;
  } catch { // of a key, or an Ed25519 signature, of another length
    return NOT_GOOD;
  }
}
