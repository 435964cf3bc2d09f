// The sums of teams.mjs, with costs that are made up.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { dayOf, formula, model, simulate } from "./teams/model.mjs";
import { bill, prices } from "./teams/prices.mjs";

const cost = (fields) => ({
  requests: 0, objectRequests: 0, messages: 0, written: 0, read: 0, d1Batches: 0, d1Written: 0, d1Read: 0, cpuMillis: 0, millis: 0, ...fields,
});
const costs = {
  birth: cost({ requests: 1, objectRequests: 1, written: 270, read: 10, d1Batches: 1, d1Written: 1 }),
  insert: cost({ requests: 1, objectRequests: 1, written: 4, read: 3, cpuMillis: 2, millis: 10 }),
  edit: cost({ requests: 1, objectRequests: 1, written: 3, read: 2, cpuMillis: 2, millis: 10 }),
  nothing: cost({ requests: 1, objectRequests: 1, read: 1, cpuMillis: 1, millis: 5 }),
  pull: cost({ requests: 1, objectRequests: 1, read: 20, cpuMillis: 1, millis: 5 }),
  subscribe: cost({ requests: 2, objectRequests: 3, written: 5, d1Batches: 2 }),
  open: cost({ requests: 1, objectRequests: 2, messages: 1, d1Batches: 2 }),
  update: cost({ messages: 1, written: 1, millis: 2 }),
  presence: cost({ messages: 1 }),
  copy: cost({ objectRequests: 2, written: 9 }),
  wake: cost({ objectRequests: 1, written: 1 }),
  workerMillis: 0.5,
  bytes: { space: 200_000, room: 30_000 },
};

// 10 teams, each of 2 people who both work on 10 days, in an app that is easy to sum up.
const small = {
  ...model, teams: 10, fewest: 2, mostPeople: 2, teamsInUse: 1, peopleInUse: 1, workdays: 10, hoursOnline: 5, hoursOfADay: 10,
  edits: 100, newRows: 0.1, sockets: 1, openings: 1, hoursInDocuments: 1, updates: 1000, presences: 100, peopleInADocument: 2, copies: 10, wakes: 5,
  rows: 100, rowBytes: 1000, documents: 1, documentBytes: 30_000, newTeams: 1,
};

test("a day of a team has the operations of its people", () => {
  deepEqual(dayOf(small, 2), {
    insert: 20, edit: 180, nothing: 200, pull: 2 * 100 * 0.5, subscribe: 2, open: 2, update: 2000, presence: 200, copy: 10, wake: 5,
  });
});

test("nobody pulls more often than one sync waits for the other", () => {
  equal(dayOf({ ...small, leastSecondsBetweenPulls: 360 }, 100).pull, 100 * 50);
});

test("a month is the sum of its operations", () => {
  const { people, teamsOfADay, largest, quantities } = simulate(costs, small);
  deepEqual({ people, teamsOfADay, largest }, { people: 20, teamsOfADay: 10, largest: 2 });
  const days = 10 * 10; // teams and days
  equal(quantities["Worker requests"], days * (20 + 180 + 200 + 100 + 2 * 2 + 2) + 10);
  equal(quantities["Worker CPU, ms"], quantities["Worker requests"] / 2);
  equal(quantities["object requests"], days * (20 + 180 + 200 + 100 + 2 * 3 + 2 * 2 + 10 * 2 + 5 + (2000 + 200 + 2) / 20) + 10);
  equal(quantities["object rows written"], days * (20 * 4 + 180 * 3 + 2 * 5 + 2000 + 10 * 9 + 5) + 10 * 270);
  equal(quantities["object rows read"], days * (20 * 3 + 180 * 2 + 200 + 100 * 20) + 10 * 10);
  equal(quantities["D1 rows written"], 10);
  const near = (got, want) => ok(Math.abs(got - want) < 1e-9 * want, `${got}, want ${want}`);
  near(quantities["object duration, GB-s"], (days * (200 * 10 + 300 * 5 + 2000 * 2) * 0.128) / 1000);
  near(quantities["object storage, GB"], (10 * (200_000 + 200 * 1000 + 2 * 40_000 + 2 * 30_000 + 2 * 30_000)) / 1e9);
});

test("the formula of docs/cost.md gives the rows of such costs, and those of the bytes of updates", () => {
  const { quantities, formula: rows } = simulate(costs, small);
  equal(Math.round(rows - quantities["object rows written"]), Math.round((200_000 * small.updateBytes) / 3_900));
  equal(formula(small, { birth: 1, insert: 1, edit: 1, subscribe: 1, update: 0, copy: 1, wake: 1 }), 270 + 4 + 3 + 5 + 9 + 1);
});

test("a bill has no line for what the plan includes", () => {
  const included = Object.fromEntries(Object.entries(prices.quantities).map(([name, { included }]) => [name, included]));
  equal(bill(included).total, 5);
  const { dollars, total } = bill({ ...included, "object rows written": 52e6, "Worker requests": 0 });
  equal(dollars["object rows written"], 2);
  equal(total, 7);
});

test("the ceiling of which most is used comes first, with the size that meets it", () => {
  const { ceilings } = simulate(costs, { ...small, mostPeople: 1000, fewest: 1000 });
  const shares = ceilings.map(({ used, most }) => used / most);
  deepEqual(shares, shares.toSorted((a, b) => b - a));
  const sockets = ceilings.find(({ name }) => name === "sockets of one space");
  deepEqual(sockets, { name: "sockets of one space", most: 10_000, used: 1000, metBy: "a team of 10000 people" });
});

test("one seed gives the same teams again, and another gives others", () => {
  deepEqual(simulate(costs, { ...model, teams: 1000 }, 7), simulate(costs, { ...model, teams: 1000 }, 7));
  ok(simulate(costs, { ...model, teams: 1000 }, 7).people !== simulate(costs, { ...model, teams: 1000 }, 8).people);
});

test("a tail of the teams is large", () => {
  const { people, largest } = simulate(costs, { ...model, teams: 20_000 });
  ok(people / 20_000 > 4 && people / 20_000 < 9, `${people / 20_000} people a team`);
  ok(largest > 500, `the largest has ${largest}`);
});
