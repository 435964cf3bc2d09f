// What the tests of webhooks do to a host.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import * as Y from "yjs";
import { token } from "../doors.mjs";

const scope = "sync:read sync:write yjs:read yjs:write projects:read projects:write sync:admin spaces:admin";

export class Client {
  constructor(door) {
    this.door = door;
    this.token = token("ann", { scope, spaces: { "": scope, "*": scope } });
  }

  async ask(method, path, body) {
    const response = await fetch(this.door.url + path, {
      method, body: typeof body === "object" && !(body instanceof Uint8Array) ? JSON.stringify(body) : body,
      headers: { authorization: `Bearer ${this.token}`, "content-type": body instanceof Uint8Array ? "application/octet-stream" : "application/json" },
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return { json: () => JSON.parse(text), headers: response.headers };
  }

  // push pushes a row to a table of the root or of a space. It returns the stamp after it.
  async push(id, { space = "", table = "customers" } = {}) {
    const base = space && `/s/${space}`;
    const row = table === "customers" ? { id, contact_name: "c", created_at: 1, updated_at: Date.now() } : { id, name: "p", created_at: 1, updated_at: Date.now() };
    await this.ask("POST", `${base}/trpc/sync.push`, {
      lastPulledAt: await this.stamp({ space }) || 1, changes: { [table]: { created: [], updated: [row], deleted: [] } },
    });
    return this.stamp({ space });
  }

  // stamp returns that of the last change of the root or of a space.
  async stamp({ space = "" } = {}) {
    const input = encodeURIComponent('{"lastPulledAt":null}');
    return (await this.ask("GET", `${space && `/s/${space}`}/trpc/sync.pull?input=${input}`)).json().result.data.timestamp;
  }

  // edit adds a text to a document. It returns the ETag.
  async edit(room, { space = "" } = {}) {
    const doc = new Y.Doc();
    doc.getText("note").insert(0, "x");
    const { headers } = await this.ask("POST", `${space && `/s/${space}`}/yjs/${room}`, Y.encodeStateAsUpdate(doc));
    return headers.get("etag");
  }

  deleteDocument(room, { space = "" } = {}) {
    return this.ask("DELETE", `${space && `/s/${space}`}/yjs/${room}`);
  }

  async project({ space = "" } = {}) {
    const id = randomUUID();
    await this.ask("POST", `${space && `/s/${space}`}/api/v1/projects/`, { id, name: "p" });
    return id;
  }

  deleteSpace(space) {
    return this.ask("DELETE", `/s/${space}`);
  }

  async webhooks() {
    return (await this.ask("GET", "/webhooks")).json();
  }

  async retry() {
    return (await this.ask("POST", "/webhooks/retry")).json();
  }
}
