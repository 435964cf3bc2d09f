// The sockets of this isolate: how many are open, and whether one more may be.
import { countSockets, countsSockets } from "./overview.mjs";
import { count } from "./several.mjs";

const LIMIT_SOCKETS = 10_000; // variable LIMIT_SOCKETS
const LIMIT_SOCKETS_PER_SUBJECT = 64; // variable LIMIT_SOCKETS_PER_SUBJECT
const CLOSE_FULL = 4503, CLOSE_OWNER_FULL = 4529;

// awake are the objects of this isolate, by their id. An object that hibernates is
// forgotten with its sockets, until it wakes up.
const awake = new Map(); // id -> WeakRef of a Room

export function awakens(room) {
  awake.set(room.ctx.id.toString(), (room.ref ??= new WeakRef(room)));
}

// rooms are the objects of this isolate that have sockets and are awake.
function* rooms() {
  for (const [id, ref] of awake) {
    const room = ref.deref();
    if (room === undefined || room.sockets.size === 0) awake.delete(id);
    else yield room;
  }
}

// crowded says why one more socket is too many, or null: counted over the objects
// that are awake in this isolate, as no isolate knows the others. Strangers, the sockets of several documents that
// no room has let in yet, take at most half of the places.
export function crowded(env, owner, stranger = false) {
  const { open, strangers } = count();
  let all = open;
  let owned = 0;
  for (const room of rooms()) {
    all += room.sockets.size;
    owned += room.owned.get(owner) ?? 0;
  }
  const places = Number(env.LIMIT_SOCKETS) || LIMIT_SOCKETS;
  if (all >= places) return [CLOSE_FULL, "the server has no place for one more WebSocket; try again later"];
  if (stranger && strangers >= Math.floor(places / 2)) return [CLOSE_FULL, "too many WebSockets have no open document yet; try again later"];
  const limit = Number(env.LIMIT_SOCKETS_PER_SUBJECT) || LIMIT_SOCKETS_PER_SUBJECT;
  if (owner !== "" && owned >= limit) return [CLOSE_OWNER_FULL, `one subject may have ${limit} WebSockets at a time`];
  if (!stranger) countSockets(all - open + 1);
  return null;
}

countsSockets(() => {
  const open = {};
  for (const room of rooms()) open[room.className] = (open[room.className] ?? 0) + room.sockets.size;
  return open;
});
