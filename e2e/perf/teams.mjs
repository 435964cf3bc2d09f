// What 100,000 teams, each with a space, do and cost in a month on Cloudflare. It counts what
// an operation costs, on workerd, and multiplies by the use that teams/model.mjs assumes:
//   node e2e/perf/teams.mjs [--costs FILE] [--seed N] [--json]
// With --costs it takes the costs from a file that --json has printed, and starts nothing.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { print, round } from "./measure.mjs";
import { measure } from "./teams/costs.mjs";
import { model, simulate } from "./teams/model.mjs";
import { prices } from "./teams/prices.mjs";

const { values } = parseArgs({ options: { costs: { type: "string" }, seed: { type: "string", default: "1" }, json: { type: "boolean" } } });
const costs = values.costs ? JSON.parse(readFileSync(values.costs, "utf8")) : await measure();
if (values.json) console.log(JSON.stringify(costs, null, 2));
else report(costs, simulate(costs, model, Number(values.seed)));

function report({ workerMillis, bytes, ...operations }, result) {
  const digits = (n) => round(n, n < 10 ? 2 : 0);
  const count = (n) => n.toLocaleString("en", { maximumFractionDigits: n < 10 ? 2 : 0 });
  print("What an operation costs", operations);
  console.log(`A request that the Worker refuses takes ${workerMillis} ms of processor. A new space has ${bytes.space} bytes, a document ${bytes.room}.`);
  const { requests, messages, quantities, dollars } = result;
  print(`${count(model.teams)} teams of ${count(result.people)} people, ${count(result.teamsOfADay)} of them in use on a workday`, {
    "requests a second": { mean: digits(requests.mean), "peak hour": digits(requests.peakHour) },
    "messages to documents a second": { mean: digits(messages.mean), "peak hour": digits(messages.peakHour) },
  });
  print("A month", Object.fromEntries(Object.keys(prices.quantities).map((name) =>
    [name, { quantity: count(quantities[name]), dollars: round(dollars[name], 2) }])));
  console.log(`Together ${count(result.total)} dollars with the plan, ${round((result.total / model.teams) * 100, 2)} cents a team.
By the formula of docs/cost.md objects write ${count(result.formula)} rows.`);
  print(`Ceilings, nearest first; the largest team has ${count(result.largest)} people`,
    Object.fromEntries(result.ceilings.map(({ name, used, most, metBy }) =>
      [name, { used: count(used), ceiling: count(most), share: round(used / most, 3), "met by": metBy }])));
}
