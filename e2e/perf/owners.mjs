// A table with the rule "owner_id = sub": what the pull of an owner costs, beside a table without a
// rule, on both hosts.
import { readFileSync } from "node:fs";
import path from "node:path";
import { statementsIn } from "../workerd/host.mjs";
import { compare, loaded } from "./measure.mjs";
import { over } from "./results.mjs";
import { customer, fileOf, many, pullPath, push, pushPath } from "./rows.mjs";
import { load, onWazero, onWorkerd, root, tokenOf } from "./targets.mjs";

const file = (name) => path.join(root, "e2e/conformance/testdata", name);

// Each host serves the tables of the conformance suite: visits has the rule, customers has none.
const hosts = {
  workerd: async () => {
    const host = await onWorkerd({ bindings: { TABLES: readFileSync(file("tables.json"), "utf8") } });
    const db = await host.mf.getD1Database("DB");
    await db.batch(statementsIn(readFileSync(file("tables.sql"), "utf8")).map((sql) => db.prepare(sql)));
    return host;
  },
  wazero: () => onWazero({ flags: ["--tables", file("tables.toml")] }),
};

const visit = (owner, i) => `{"id":"${owner}-${i}","owner_id":"${owner}","rating":3,"note":"four","code":"AB${i}","created_at":1700000000000,"updated_at":1700000000000}`;
const visits = (rows) => `{"changes":{"visits":{"created":[${rows.join(",")}],"updated":[],"deleted":[]}},"lastPulledAt":1}`;

async function post(target, sub, body) {
  const headers = { authorization: `Bearer ${tokenOf(sub)}`, "content-type": "application/json" };
  const response = await fetch(target.url + pushPath, { method: "POST", headers, body });
  const answer = await response.json();
  if (!response.ok || Object.keys(answer.result.data.rejected).length > 0) throw new Error(JSON.stringify(answer));
  return answer.result.data.timestamp;
}

// What the targets hold. The load generator is the owner bench.
const holds = {
  "100 rows without a rule": (target) => post(target, "bench", push(many(100, (i) => customer(`c${i}`, 1700000000000)))),
  "100 rows of one owner": (target) => post(target, "bench", visits(many(100, (i) => visit("bench", i)))),
  "100 rows of each of 100 owners": async (target) => {
    for (const owner of ["bench", ...many(99, (n) => `owner${n}`)]) await post(target, owner, visits(many(100, (i) => visit(owner, i))));
  },
};

export async function owners(section) {
  const table = section.table("owners", "Rows with an owner (p50, p99, cpu in µs; time: over that without a rule)");
  for (const [host, open] of Object.entries(hosts)) {
    const targets = {};
    for (const [name, fill] of Object.entries(holds)) {
      targets[name] = await open();
      await fill(targets[name]);
    }
    const pull = { seconds: 1 };
    const one = { seconds: 1, method: "POST" };
    const body = (target) => fileOf(target.rule ? "visit.json" : "customer.json", target.rule ? visits([visit("bench", "@@@@@@@@@@@@@")]) : push([customer("one", "@@@@@@@@@@@@@")]));
    for (const [name, target] of Object.entries(targets)) target.rule = name.includes("owner");
    for (const [request, url, options] of [
      ["first pull", () => pullPath(null), () => pull],
      ["push of one", () => pushPath, (target) => ({ ...one, body: body(target) })],
    ]) {
      for (const target of Object.values(targets)) await load(target.url + url(), options(target)); // warm
      const measured = await compare(targets, (target) => loaded(target, url(), options(target)));
      const least = measured["100 rows without a rule"];
      for (const [rows, { rps, p50, p99, cpu, time }] of Object.entries(measured)) {
        table.row({ host, request, rows }, { rps, p50, p99, cpu }, cpu === least.cpu ? {} : { time: over(time, least.time), processor: over(cpu, least.cpu) });
      }
    }
    for (const target of Object.values(targets)) await target.close();
  }
}
