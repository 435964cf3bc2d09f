// The largest legal data, and the largest legal request of every route.
import { randomUUID } from "node:crypto";
import * as Y from "yjs";

const LIMIT_BODY_BYTES = 16 << 20;

// A push of rows that has seen everything, so that it is stored whatever was before.
let pushed = 0;
const customers = (prefix, from, n, notes) =>
  JSON.stringify({
    changes: {
      customers: {
        created: Array.from({ length: n }, (_, i) => ({
          id: `${prefix}${from + i}`, contact_name: `Contact ${pushed}`, company_name: "Company", notes, created_at: 1, updated_at: ++pushed,
        })),
        updated: [], deleted: [],
      },
    },
    lastPulledAt: 2 ** 52,
  });

// How many rows are pulled, and how long their notes are: LIMIT_PULL_BYTES together.
const ROWS = 20_000, NOTES = 1100;

const deletion = (prefix, n) =>
  JSON.stringify({
    changes: { customers: { created: [], updated: [], deleted: Array.from({ length: n }, (_, i) => `${prefix}${i}`) } },
    lastPulledAt: 2 ** 52,
  });

// A document of a text of that many characters, and so many small ones.
function document(characters, keys) {
  const doc = new Y.Doc();
  doc.getText("text").insert(0, "x".repeat(characters));
  const map = doc.getMap("map");
  doc.transact(() => {
    for (let i = 0; i < keys; i++) map.set(`key ${i}`, `value ${i}`);
  });
  return Y.encodeStateAsUpdate(doc);
}

// seed fills the server and answers what requests needs: ask(request, subject).
export async function seed(ask) {
  const good = async (request, sub = "seeder") => {
    const answer = await ask(request, sub);
    if (answer.status >= 300) throw new Error(`${request.method} ${request.path}: ${answer.status} ${answer.text}`);
    return answer;
  };
  for (const from of [0, ROWS / 2]) {
    await good({ method: "POST", path: "/trpc/sync.push", body: customers("r", from, ROWS / 2, "n".repeat(NOTES)) });
  }
  const project = randomUUID();
  const p = `/api/v1/projects/${project}/`;
  await good({ method: "POST", path: "/api/v1/projects/", body: JSON.stringify({ id: project, name: "Besieged" }) });
  for (let member = 1; member <= 3; member++) {
    await good({ method: "POST", path: `${p}memberships/`, body: JSON.stringify({ user_id: `member${member}`, role: "Admin" }) });
  }
  const update = document(8_000_000, 20_000);
  for (let batch = 0; batch < 6; batch++) await good({ method: "POST", path: `${p}sync/`, body: upload(batch) });
  await good({ method: "POST", path: "/yjs/small", body: document(10, 10), type: "application/octet-stream" });
  await good({ method: "POST", path: "/yjs/big", body: update, type: "application/octet-stream" });
  const version = JSON.parse((await good({ method: "POST", path: "/yjs/big/versions", body: "one", type: "text/plain" })).text).id;
  return { p, update, version };
}

const upload = (batch) =>
  JSON.stringify({
    client_batch_id: randomUUID(), last_pulled_at: 0,
    changes: {
      tasks: {
        created: Array.from({ length: 500 }, (_, i) => ({ id: randomUUID(), name: `Task ${batch} ${i}`, notes: "t".repeat(3000) })),
        updated: [], deleted: [],
      },
    },
  });

// requests answers [{what, method, path, body, type, sub, great, alone}]; great are
// those that take much memory, and alone those that leave more data than one pull
// may answer.
export function requests({ p, update, version }) {
  const batch = (n) => Array(n).fill("sync.pull").join();
  const input = (value) => `input=${encodeURIComponent(JSON.stringify(value))}`;
  const rewritten = ["o", "p"].map((letter) => customers("r", 0, 13_000, letter.repeat(NOTES)));
  const long = customers("r", 0, 16, "l".repeat(890_000));
  const most = customers("m", 0, 50_000, "m".repeat(180));
  for (const body of [...rewritten, long, most, update]) if (body.length > LIMIT_BODY_BYTES) throw new Error("a body is over the limit");
  return [
    { what: "a first pull", path: "/trpc/sync.pull", great: true },
    { what: "50 first pulls in a batch", path: `/trpc/${batch(50)}?batch=1`, great: true },
    { what: "50 pages in a batch", path: `/trpc/${batch(50)}?batch=1&${input(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [i, { limit: 10_000 }])))}` },
    { what: "a first pull in turbo mode", path: "/sync/pull" },
    { what: "everything as changes", path: `/trpc/sync.pull?${input({ lastPulledAt: 1 })}`, great: true },
    { what: "a replacement", path: `/trpc/sync.pull?${input({ lastPulledAt: 2 ** 52 })}` },
    { what: "a page", path: `/trpc/sync.pull?${input({ limit: 10_000 })}` },
    { what: "a long row, explained", path: "/sync/explain?table=customers&id=r3" },
    { what: "a checksum", path: "/sync/checksum", great: true },
    { what: "a push of long rows", method: "POST", path: "/trpc/sync.push", body: long, great: true },
    ...rewritten.map((body) => ({ what: "a push of many rows", method: "POST", path: "/trpc/sync.push", body, great: true })),
    { what: "a push of the most rows", method: "POST", path: "/trpc/sync.push", body: most, alone: true },
    { what: "a push of their deletion", method: "POST", path: "/trpc/sync.push", body: deletion("m", 50_000), alone: true },
    { what: "a body of nonsense", method: "POST", path: "/trpc/sync.push", body: `{"changes":[${"[],".repeat(5_000_000)}[]]}` },
    { what: "a ticket", method: "POST", path: "/auth/ticket" },
    { what: "a page of a project", path: `${p}sync/?since=0&page_size=5000`, sub: "member1", great: true },
    { what: "a list of tasks", path: `${p}tasks/?page_size=5000`, sub: "member2" },
    { what: "an upload", method: "POST", path: `${p}sync/`, sub: "member3", body: upload(9) },
    { what: "a document", path: "/yjs/big", great: true },
    { what: "a document as JSON", path: "/yjs/big?format=json" },
    { what: "a document as text", path: "/yjs/big?format=text&name=text" },
    { what: "an update", method: "POST", path: "/yjs/big", body: update, type: "application/octet-stream" },
    { what: "a version", method: "POST", path: "/yjs/big/versions", body: "v".repeat(200), type: "text/plain" },
    { what: "the versions", path: "/yjs/big/versions" },
    { what: "a version's state", path: `/yjs/big/versions/${version}`, great: true },
    { what: "the rooms", path: "/yjs/?limit=1000" },
  ];
}
