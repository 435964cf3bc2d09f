// Asks a server through every link of @trpc/client, and checks what each call
// came to: node links.mjs URL TOKEN ID
import { createTRPCClient, httpBatchLink, httpBatchStreamLink, httpLink } from "@trpc/client";
import assert from "node:assert/strict";

const [base, token, id] = process.argv.slice(2);
const url = `${base}/trpc`;

// outcome is the members of a result, or what an error says.
const outcome = async (call) => {
  try {
    return Object.keys(await call).filter((k) => k !== "cursor").sort();
  } catch (e) {
    assert.equal(e.name, "TRPCClientError", e.stack);
    return [e.data?.code, e.shape?.code, e.data?.path, e.data?.table];
  }
};

const pulled = ["changes", "timestamp"];
const pushed = ["applied", "ignored", "rejected", "superseded", "timestamp"];
const refused = (path) => ["UNAUTHORIZED", -32001, path, undefined];

for (const link of [httpLink, httpBatchLink, httpBatchStreamLink]) {
  for (const methodOverride of [undefined, "POST"]) {
    const client = (authorization) => createTRPCClient({ links: [link({ url, headers: { authorization }, methodOverride })] });
    const good = client(`Bearer ${token}`);
    const row = { id: `${id}.${link.name}.${methodOverride ?? "GET"}`, contact_name: "é ✓ \"", updated_at: Date.now() };
    const before = (await good.sync.pull.query({})).timestamp;
    // One tick, so that the batching links send two requests: queries and mutations.
    const got = await Promise.all([
      outcome(good.sync.pull.query({ lastPulledAt: before })),
      outcome(good.sync.pull.query({ lastPulledAt: "x" })),
      outcome(good.sync.nope.query()),
      outcome(good.sync.push.mutate({ lastPulledAt: before, changes: { customers: { created: [row], updated: [], deleted: [] } } })),
      outcome(good.sync.push.mutate({ lastPulledAt: before, changes: { nope: { created: [{ id: "lost" }], updated: [], deleted: [] } } })),
    ]);
    assert.deepEqual(got, [
      pulled,
      ["BAD_REQUEST", -32600, "sync.pull", undefined],
      ["NOT_FOUND", -32004, "sync.nope", undefined],
      pushed,
      ["BAD_REQUEST", -32600, "sync.push", "nope"],
    ], link.name);
    const { changes } = await good.sync.pull.query({ lastPulledAt: before });
    assert.equal(changes.customers.updated.find((r) => r.id === row.id)?.contact_name, row.contact_name);

    const stranger = client("Bearer nonsense");
    const path = (p) => (link === httpBatchStreamLink ? undefined : p); // one error for all
    assert.deepEqual(
      await Promise.all([outcome(stranger.sync.pull.query({})), outcome(stranger.sync.push.mutate({}))]),
      [refused(path("sync.pull")), refused(path("sync.push"))],
      link.name,
    );
  }
}
