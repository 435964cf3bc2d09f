// What this isolate counts for operators: the import overview. No isolate knows the others.
// Package shared/abi has the members, and shared/metric the numbers.
const MINUTES = 60, MINUTE_MS = 60_000;
const MOST_COPIES = 20;
const PUSH_ROWS = 1, PULL_ROWS = 2, NOTIFICATIONS = 3, UPDATES = 4, COPIES_BEHIND = 7, WEBHOOKS_WAITING = 9, COPY_FAILURES = 10, COPIES_LATE = 11;
const COUNTED = { [PUSH_ROWS]: "pushed_rows", [PULL_ROWS]: "pulled_rows", [NOTIFICATIONS]: "notifications", [UPDATES]: "updates" };
const TOLD = { [COPIES_BEHIND]: "behind", [WEBHOOKS_WAITING]: "waiting", [COPY_FAILURES]: "failures", [COPIES_LATE]: "due" };
const TOLD_MS = 10 * MINUTE_MS; // an object that fails says so again in less than that, in whatever isolate it is then
const MOST_TOLD = 1_000; // objects

// A ring: minute n since 1970 is at n % MINUTES, in the place of the one that was there before. So nothing
// runs between the counts.
const ring = new Array(MINUTES).fill(null);
let since = 0;
let openSockets = () => ({}); // by class

// countsSockets says how the open sockets are counted.
export function countsSockets(by) {
  openSockets = by;
}

const sum = (counts) => Object.values(counts).reduce((all, n) => all + n, 0);

// current returns the minute of now.
function current(now = Date.now()) {
  since ||= now;
  const n = Math.floor(now / MINUTE_MS);
  const has = ring[n % MINUTES];
  if (has?.n === n) return has;
  const begun = sum(openSockets()); // once a minute, as each object is asked
  const of = { at: n * MINUTE_MS, requests: 0, errors: 0, refused: 0, pushed_rows: 0, pulled_rows: 0, notifications: 0, updates: 0, sockets: begun };
  return (ring[n % MINUTES] = { n, begun, of, ended: { memory: 0, too_long: 0, failed: 0 } });
}

export function countRequest(status, now) {
  const { of } = current(now);
  of.requests++;
  if (status >= 500) of.errors++;
  else if (status >= 400) of.refused++;
}

export function countEnd(reason) {
  current().ended[reason]++;
}

// countSockets notes how many sockets are open with one that is about to be.
export function countSockets(open) {
  const { of } = current();
  of.sockets = Math.max(of.sockets, open);
}

// beforeClose is called before a socket is forgotten: it was open in this minute.
export const beforeClose = () => void current();

const told = new Map(); // class and name of an object -> what the guest counted of it, without zeros

// countFrame counts what a frame of the guest has. object, if there is one, is what it is of.
export function countFrame(reader, object) {
  while (reader.pos < reader.bytes.length) {
    const number = reader.byte();
    const value = reader.f64();
    reader.take(reader.u32());
    if (COUNTED[number] !== undefined) current().of[COUNTED[number]] += value;
    else if (TOLD[number] !== undefined && object) tell(object, TOLD[number], value);
  }
}

function tell(object, name, value) {
  const key = `${object.className}\0${object.name}`;
  let has = told.get(key);
  if (has === undefined) {
    if (value === 0) return;
    has = { class: object.className, name: object.name, behind: 0, waiting: 0, failures: 0, due: 0 };
    if (told.size >= MOST_TOLD) forgetOld(Date.now());
    if (told.size < MOST_TOLD) told.set(key, has);
  }
  has[name] = value;
  has.at = Date.now();
  has.object = new WeakRef(object);
  if (!has.behind && !has.waiting && !has.failures && !has.due) told.delete(key);
}

// forgetOld forgets objects that may go on in another isolate.
function forgetOld(now) {
  for (const [key, has] of told) {
    if (has.object.deref() === undefined && (now - has.at > TOLD_MS || !(has.failures || has.waiting))) told.delete(key);
  }
}

// recent returns the last minutes, oldest first. In one in which nothing was counted no socket was opened or closed.
function recent(now) {
  current(now); // so that the last minute is there, and since
  const last = Math.floor(now / MINUTE_MS);
  const first = Math.min(Math.max(Math.floor(since / MINUTE_MS), last - MINUTES + 1), last);
  const minutes = [], ended = { memory: 0, too_long: 0, failed: 0 };
  let sockets = 0; // of the minutes before one that is there
  for (let n = last; n >= first; n--) {
    const has = ring[n % MINUTES];
    if (has?.n !== n) {
      const nothing = { at: n * MINUTE_MS, requests: 0, errors: 0, refused: 0, pushed_rows: 0, pulled_rows: 0, notifications: 0, updates: 0, sockets };
      minutes.unshift(nothing);
      continue;
    }
    minutes.unshift(has.of);
    sockets = has.begun;
    for (const reason of Object.keys(ended)) ended[reason] += has.ended[reason];
  }
  return { minutes, ended };
}

// overview returns the JSON of the import. memory is that of the instance, in bytes.
export function overview(env, memory) {
  const now = Date.now(), seconds = now / 1000;
  const { minutes, ended } = recent(now);
  forgetOld(now);
  const objects = [...told.values()];
  const copies = objects
    .map(({ class: of, name, failures, due }) => ({ class: of, name, failures, late_seconds: due > 0 ? Math.max(Math.floor(seconds - due), 0) : 0 }))
    .filter(({ failures, late_seconds }) => failures > 0 || late_seconds > 0)
    .sort((a, b) => b.failures - a.failures || b.late_seconds - a.late_seconds)
    .slice(0, MOST_COPIES);
  const { SyncRoom = 0, YjsRoom = 0, Space = 0, SpaceYjsRoom = 0 } = openSockets();
  return JSON.stringify({
    now,
    server: { host: "workers", version: env.VERSION?.tag || env.VERSION?.id || "devel", of: "isolate", since },
    minutes,
    sockets: { sync: SyncRoom, yjs: YjsRoom, space: Space, space_yjs: SpaceYjsRoom },
    instances: null,
    memory_bytes: memory,
    objects_open: null,
    copies_behind_seconds: Math.floor(Math.max(0, ...objects.filter(({ behind }) => behind > 0).map(({ behind }) => seconds - behind))),
    webhooks_waiting: objects.reduce((all, { waiting }) => all + waiting, 0),
    backup: { here: false, on: false, last: null },
    ended,
    copies,
  });
}
