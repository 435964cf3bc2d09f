// C4: where the objects of spaces are created.
import { test } from "node:test";
import assert from "node:assert/strict";
import { objectStub } from "../../worker/object.mjs";

// A namespace that says how an object of it was reached.
const namespace = (path) => ({
  idFromName: (name) => `${path}/${name}`,
  jurisdiction: (of) => namespace(`${path}@${of}`),
  get: (id, options) => ({ id, options }),
});
const env = { SPACE: namespace("space"), SPACE_YJS_ROOM: namespace("room"), SYNC_ROOM: namespace("sync") };

test("C4 SPACES_LOCATION and SPACES_JURISDICTION are of the objects of spaces, and of no other", () => {
  const variables = { SPACES_LOCATION: "weur", SPACES_JURISDICTION: "eu" };
  assert.deepEqual(objectStub({ ...env, ...variables }, "SPACE", "acme"), { id: "space@eu/acme", options: { locationHint: "weur" } });
  assert.deepEqual(objectStub({ ...env, ...variables }, "SPACE_YJS_ROOM", "acme/note"), { id: "room@eu/acme/note", options: { locationHint: "weur" } });
  assert.deepEqual(objectStub({ ...env, ...variables }, "SYNC_ROOM", "sync"), { id: "sync/sync", options: undefined });
  assert.deepEqual(objectStub({ ...env, SPACES_LOCATION: "", SPACES_JURISDICTION: "" }, "SPACE", "acme"), { id: "space/acme", options: { locationHint: undefined } });
});
