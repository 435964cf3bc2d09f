// tsc compiles this file, and nothing runs it. It shows what an app may write, and what it may not.
import { createTRPCClient, httpBatchLink, TRPCClientError } from "@trpc/client";
import type { SyncArgs } from "@nozbe/watermelondb/sync";
import type { AppRouter, PushInput, Rows } from "../src/app-router.ts";

const client = createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: "http://localhost:8787/trpc" })] });

export async function pull(): Promise<number> {
  await client.sync.pull.query();
  const { changes, timestamp, cursor } = await client.sync.pull.query({ lastPulledAt: null, schemaVersion: 1, migration: null });
  const row: Rows["customers"] | undefined = changes.customers.updated[0];
  const name: string | null | undefined = row?.contact_name;
  const price: number | null | undefined = changes.products.updated[0]?.price;
  const id: string | undefined = changes.products.deleted[0];
  const next: string | undefined = cursor;
  console.log(name, price, id, next);
  // @ts-expect-error a name may be null
  name.length;
  // @ts-expect-error there is no such table
  changes.orders;
  // @ts-expect-error there is no such column
  row?.color;
  // @ts-expect-error not a text
  await client.sync.pull.query({ lastPulledAt: "yesterday" });
  // @ts-expect-error a query does not mutate
  await client.sync.pull.mutate({ lastPulledAt: null });
  // @ts-expect-error there is no such procedure
  await client.sync.nope.query();
  return timestamp;
}

export async function push(): Promise<string[]> {
  const answer = await client.sync.push.mutate({
    lastPulledAt: 1,
    conflict: "abort",
    changes: { customers: { created: [{ id: "a", contact_name: null, updated_at: 1, _status: "created", _changed: "" }], updated: [], deleted: ["b"] } },
  });
  // @ts-expect-error not a number
  await client.sync.push.mutate({ lastPulledAt: 1, changes: { products: { created: [{ id: "a", updated_at: 1, price: "1" }], updated: [], deleted: [] } } });
  // @ts-expect-error without an id
  await client.sync.push.mutate({ lastPulledAt: 1, changes: { customers: { updated: [{ updated_at: 1 }] } } });
  // @ts-expect-error there is no such table
  await client.sync.push.mutate({ lastPulledAt: 1, changes: { orders: { created: [], updated: [], deleted: [] } } });
  // @ts-expect-error changes are missing
  await client.sync.push.mutate({ lastPulledAt: 1 });
  for (const { id, column, reason } of answer.rejected.products ?? []) console.log(`${id} ${column?.length} ${reason.length}`);
  // @ts-expect-error a rule has no column
  answer.rejected.products?.[0]?.column.length;
  return answer.superseded.customers ?? [];
}

export function explain(e: unknown): string {
  if (e instanceof TRPCClientError) {
    const { data } = e as TRPCClientError<AppRouter>;
    const ids: string[] | undefined = data?.ids?.customers;
    return `${data?.code} ${data?.httpStatus} ${data?.table} ${data?.id} ${data?.column} ${ids}`;
  }
  return "";
}

/** The arguments of synchronize(). */
export const sync: Pick<SyncArgs, "pullChanges" | "pushChanges" | "sendCreatedAsUpdated"> = {
  async pullChanges({ lastPulledAt, schemaVersion, migration }) {
    return client.sync.pull.query({ lastPulledAt: lastPulledAt ?? null, schemaVersion, migration });
  },
  async pushChanges({ changes, lastPulledAt }) {
    await client.sync.push.mutate({ changes: changes as PushInput["changes"], lastPulledAt });
  },
  sendCreatedAsUpdated: true,
};
