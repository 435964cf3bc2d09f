// How 100,000 teams use their spaces. All of it is assumed: change it for your app.
import { MESSAGES_PER_REQUEST, OBJECT_GB, bill } from "./prices.mjs";

export const model = {
  teams: 100_000,
  // A team has at least fewest people. The share of teams with more than n people is
  // (fewest / n) ^ tail: half of all have 3 at most, one of 1,000 has 278 or more.
  fewest: 2, tail: 1.4, mostPeople: 3_000,
  teamsInUse: 0.7, // of all, on a workday
  peopleInUse: 0.6, // of such a team, on a workday
  workdays: 21, // a month
  hoursOnline: 4, // a person, a workday
  hoursOfADay: 10, // over which a team's work spreads
  peakHour: 0.15, // of a workday's requests
  peakSecond: 3, // times the mean second of the peak hour

  // Of a person on a workday:
  edits: 80, // of a row, each pushed by itself after a pull
  newRows: 0.2, // of the edits
  sockets: 3, // subscriptions to rows
  leastSecondsBetweenPulls: 1, // as one sync waits for the other
  openings: 4, // of documents
  hoursInDocuments: 0.75,

  // Of an hour in documents:
  updates: 1_200, // messages of one person
  presences: 840, // messages of one person: a renewal each 15 s, and moves of the cursor
  peopleInADocument: 2, // at the same time
  copies: 60, // of the document
  wakes: 144, // of the document, by an alarm every 25 s
  updateBytes: 60,

  // What is stored:
  rows: 300, // a person
  rowBytes: 500, // with its indexes
  documents: 5, // a person
  documentBytes: 40_000,
  newTeams: 0.05, // born in the month, of all
};

// What the platform and the settings allow.
export const ceilings = {
  writesOfASpace: 200, // writing requests a second of one object: 200 to 500
  bytesOfASpace: 1 << 30, // LIMIT_SPACE_BYTES
  socketsOfASpace: 10_000, // LIMIT_SOCKETS; Cloudflare's own limit is 32,768 for an object
  batchesOfD1: 1_000, // a second, of 1 ms each, as D1 runs one at a time
  bytesOfD1: 10e9,
};

// random returns numbers from 0 to 1, always the same for a seed.
function random(seed) {
  let state = seed;
  return () => (state = (state * 48271) % 0x7fffffff) / 0x7fffffff;
}

function people(m, next) {
  return Math.min(m.mostPeople, Math.floor(m.fewest / (1 - next()) ** (1 / m.tail)));
}

// dayOf returns what a team does on a workday on which so many people use its space: the
// number of each operation in costs.
export function dayOf(m, active) {
  const pushes = active * m.edits;
  const heard = Math.min((pushes - m.edits) * (m.hoursOnline / m.hoursOfADay), (m.hoursOnline * 3600) / m.leastSecondsBetweenPulls);
  const hours = active * m.hoursInDocuments;
  return {
    insert: pushes * m.newRows,
    edit: pushes * (1 - m.newRows),
    nothing: pushes,
    pull: active * Math.max(0, heard),
    subscribe: active * m.sockets,
    open: active * m.openings,
    update: hours * m.updates,
    presence: hours * m.presences,
    copy: (hours / m.peopleInADocument) * m.copies,
    wake: (hours / m.peopleInADocument) * m.wakes,
  };
}

const sum = (day, costs, of) => Object.entries(day).reduce((total, [name, n]) => total + n * of(costs[name]), 0);

// simulate returns the quantities of a month as prices name them, the load of the whole,
// and how much of each ceiling is used.
export function simulate(costs, m = model, seed = 1) {
  const next = random(seed);
  const day = {};
  const sums = { people: 0, bytes: 0, revocations: 0, teamsOfADay: 0, largest: 0 };
  for (let i = 0; i < m.teams; i++) {
    const size = people(m, next);
    const held = bytesOf(m, costs, size);
    sums.people += size;
    sums.bytes += held.space + held.rooms;
    sums.largest = Math.max(sums.largest, size);
    if (next() >= m.teamsInUse) continue;
    sums.teamsOfADay++;
    const some = dayOf(m, activeOf(m, size));
    for (const [name, n] of Object.entries(some)) day[name] = (day[name] ?? 0) + n;
    sums.revocations += readsInAnHour(sum(some, costs, (c) => c.requests) * m.peakHour);
  }
  const month = { ...Object.fromEntries(Object.entries(day).map(([name, n]) => [name, n * m.workdays])), birth: m.teams * m.newTeams };
  const quantities = quantitiesOf(costs, m, month, sums);
  const rate = (of) => {
    const n = sum(day, costs, of);
    return { mean: n / (m.hoursOfADay * 3600), peakHour: (n * m.peakHour) / 3600 };
  };
  return {
    people: sums.people, teamsOfADay: sums.teamsOfADay, largest: sums.largest, quantities, ...bill(quantities), formula: formula(m, month),
    requests: rate((c) => c.requests), messages: rate((c) => c.messages), ceilings: ceilingsOf(costs, m, day, sums),
  };
}

const activeOf = (m, size) => Math.max(1, Math.round(size * m.peopleInUse));

// formula returns the rows that objects write, by docs/cost.md.
export const formula = (m, { birth, insert, edit, subscribe, update, copy, wake }) =>
  270 * birth + 4 * insert + 3 * edit + 5 * subscribe + update + 9 * copy + (update * m.updateBytes) / 3_900 + wake;

function bytesOf(m, costs, size) {
  const documents = size * m.documents * m.documentBytes;
  // The space has a copy of each document, as Base64.
  return {
    space: costs.bytes.space + size * m.rows * m.rowBytes + documents * (4 / 3),
    rooms: size * m.documents * costs.bytes.room + documents,
  };
}

// readsInAnHour: an instance reads the revocations at most twice a minute, when it has a
// request. Each space is taken as an instance of its own, which is the most.
const readsInAnHour = (requests) => 120 * (1 - Math.exp(-requests / 120));

// D1 has an entry for each space, and one for each person and room.
const ENTRY_BYTES = 150;
const bytesOfD1 = (m, people) => ENTRY_BYTES * (m.teams + people * m.peopleInUse * (1 + m.openings));

function quantitiesOf(costs, m, month, { bytes, people, revocations }) {
  const of = (field) => sum(month, costs, field);
  return {
    "Worker requests": of((c) => c.requests),
    "Worker CPU, ms": of((c) => c.requests) * costs.workerMillis,
    "object requests": of((c) => c.objectRequests + c.messages / MESSAGES_PER_REQUEST),
    "object duration, GB-s": (of((c) => c.millis) / 1000) * OBJECT_GB,
    "object rows read": of((c) => c.read),
    "object rows written": of((c) => c.written),
    "object storage, GB": bytes / 1e9,
    "D1 rows read": of((c) => c.d1Read) + (revocations / m.peakHour) * m.workdays,
    "D1 rows written": of((c) => c.d1Written),
    "D1 storage, GB": bytesOfD1(m, people) / 1e9,
  };
}

// ceilingsOf returns each ceiling, the nearest first: how much the largest team, or all teams,
// use of it in the busiest second, and how many people or teams meet it.
function ceilingsOf(costs, m, day, { people, revocations, largest }) {
  const busiest = (n) => (n * m.peakHour * m.peakSecond) / 3600;
  const ofSpace = {
    "writing requests of one space, a second": [ceilings.writesOfASpace, (size) => {
      const some = dayOf(m, activeOf(m, size));
      return busiest(some.insert + some.edit + some.copy);
    }],
    "processor of one space's object, ms a second": [1000, (size) => {
      const active = activeOf(m, size);
      const { insert, edit, nothing, pull, subscribe } = dayOf(m, active);
      const millis = sum({ insert, edit, nothing, subscribe }, costs, (c) => c.cpuMillis);
      return busiest(millis) + Math.min(busiest(pull), active / m.leastSecondsBetweenPulls) * costs.pull.cpuMillis;
    }],
    "bytes of one space (LIMIT_SPACE_BYTES)": [ceilings.bytesOfASpace, (size) => bytesOf(m, costs, size).space],
    "sockets of one space": [ceilings.socketsOfASpace, (size) => activeOf(m, size)],
  };
  const ofAll = {
    "batches of D1, a second": [ceilings.batchesOfD1, busiest(sum(day, costs, (c) => c.d1Batches)) + revocations / 3600],
    "bytes of D1": [ceilings.bytesOfD1, bytesOfD1(m, people)],
  };
  return [
    ...Object.entries(ofSpace).map(([name, [most, of]]) => ({ name, most, used: of(largest), metBy: `a team of ${sizeThatUses(most, of)} people` })),
    ...Object.entries(ofAll).map(([name, [most, used]]) => ({ name, most, used, metBy: `${Math.round((m.teams * most) / used)} teams` })),
  ].sort((a, b) => b.used / b.most - a.used / a.most);
}

// sizeThatUses returns the smallest team that uses as much as that, by bisection.
function sizeThatUses(most, of) {
  let low = 0, high = 1e7;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (of(middle) < most) low = middle;
    else high = middle;
  }
  return high;
}
