// The tokens of `tidemark token`, and those that a server makes for an operator.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { root, secret, wazero } from "../doors.mjs";

let door;

before(async () => {
  door = await wazero().start();
});
after(() => door.close());

// command runs `tidemark token`, and returns the token.
const command = (...args) => {
  const built = process.env.TIDEMARK_SERVER;
  const [file, ...first] = built ? [built] : ["go", "run", "./wasm/cmd/tidemark"];
  return execFileSync(file, [...first, "token", ...args], { cwd: path.resolve(root), env: { ...process.env, AUTH_SECRET: secret }, encoding: "utf8" }).trim();
};

const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));

const ask = async (method, where, token, body) => {
  const response = await fetch(door.url + where, {
    method, body: body && JSON.stringify(body), headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
  });
  return { status: response.status, body: await response.json() };
};

test("tidemark token --operator has every permission, in the root and in all spaces", async () => {
  const token = command("--operator");
  for (const place of ["", "/s/acme"]) {
    const { status, body } = await ask("GET", `${place}/auth/me`, token);
    assert.deepEqual([status, body.subject, body.spaces, body.rooms, body.makes_tokens], [200, "operator", ["", "*"], null, true]);
    assert.deepEqual(body.scope, ["projects:read", "projects:write", "spaces:admin", "sync:admin", "sync:read", "sync:write", "yjs:read", "yjs:write"]);
  }
  assert.equal((await ask("GET", "/spaces", token)).status, 200);
});

test("the server makes the token that tidemark token makes", async () => {
  const operator = command("--operator", "--scope", "editor");
  for (const [flags, body] of [
    [["--scope", "sync:read editor"], { scope: "sync:read editor" }],
    [["--scope", "sync:read", "--spaces", "acme,b-*"], { scope: "sync:read", spaces: ["acme", "b-*"] }],
    [["--spaces", '{"":"sync:read","acme":["yjs:read"]}'], { spaces: { "": "sync:read", acme: ["yjs:read"] } }],
    [["--scope", "sync:read", "--claims", '{"teams":["a"],"app":{"org":"x"}}'], { scope: "sync:read", claims: { teams: ["a"], app: { org: "x" } } }],
  ]) {
    const want = claims(command("--sub", "u1", "--ttl", "2h", ...flags));
    const { status, body: made } = await ask("POST", "/auth/token", operator, { sub: "u1", ttl: "2h", ...body });
    assert.equal(status, 201, JSON.stringify(made));
    const got = claims(made.token);
    assert.equal(got.jti, made.jti);
    assert.deepEqual([got.exp - got.iat, want.exp - want.iat], [7200, 7200]);
    for (const one of [got, want]) for (const name of ["iat", "exp", "jti"]) delete one[name];
    assert.deepEqual(got, want);
    assert.equal(made.token.split(".")[0], command("--sub", "u1").split(".")[0]);
  }
});
