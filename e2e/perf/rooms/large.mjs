// Documents of up to 32 MiB, each in hosts that have just started.
import { usage } from "../../workerd/host.mjs";
import { compare, forget, peakMB, rounds } from "../measure.mjs";
import { join, load } from "./client.mjs";
import { documentOf, fill, typist, valuesOf, write } from "./documents.mjs";
import { both, node, open, workerd } from "./targets.mjs";

const room = "large";
const targets = { ...both, "y-partyserver": workerd["y-partyserver"], ...node };

// Without the variable Tidemark has its default.
const { LIMIT_YJS_DOCUMENT_BYTES } = process.env;
const sizes = LIMIT_YJS_DOCUMENT_BYTES ? [1, 8, 16, 32] : [1, 8, 16]; // MiB

// delay returns settings with which a room of that many MiB, or a little less, is compacted
// about a second after an edit. waits is the exact number of milliseconds.
function delay(size) {
  const times = 4 * size; // for each 256 KB
  const millis = Math.round(1000 / times);
  return { YJS_COPY_MILLIS: String(millis), waits: millis * times };
}

// millis returns the time of f, or the error.
async function millis(f) {
  const begin = performance.now();
  try {
    await f();
  } catch (error) {
    return error.message.slice(0, 40);
  }
  return performance.now() - begin;
}

// prepare fills a room and forgets what that took of memory.
async function prepare(target, frames) {
  (await join(target, "another")).close();
  target.quiet = usage(target.pid).residentMB;
  forget(target.pid);
  target.type = typist();
  try {
    target.socket = await fill(target, room, frames);
    if (target.ask) await target.copied(room, await edit(target));
  } catch (error) {
    target.broken = error.message.slice(0, 40);
  }
}

// edit writes a keystroke, and returns the time before it in Unix milliseconds.
async function edit(target) {
  const edited = Date.now();
  await write(target.socket, target.type());
  return edited;
}

async function one(target, waits) {
  if (target.broken) return { "join, ms": target.broken };
  const row = { "join, ms": await millis(() => load(target, room)) };
  if (!target.ask) return row;
  row["GET, ms"] = await millis(() => target.ask("GET", room));
  const edited = await edit(target);
  const compaction = await millis(() => target.copied(room, edited));
  row["compaction, ms"] = typeof compaction === "number" ? compaction - waits : compaction;
  let id;
  row["version, ms"] = await millis(async () => ({ id } = JSON.parse(await target.ask("POST", `${room}/versions`, "a name"))));
  await edit(target);
  row["restore, ms"] = await millis(() => target.ask("POST", `${room}/versions/${id}/restore`));
  return row;
}

// most returns the most memory that a target has taken.
async function most(target) {
  const row = { "resident above quiet, MB": peakMB(target.pid) - target.quiet };
  if (!target.guest) return row;
  const guest = await target.guest();
  return { ...row, "guest, MB": guest.most, "its instances": guest.instance };
}

export async function large(section) {
  const times = section.table("times", "A large document (ms)");
  const memory = section.table("memory", "The most memory in all of that");
  for (const [shape, framesOf] of [["values of 5 MB", valuesOf], ["a text of 5,000 edits", (bytes) => documentOf(bytes - 200_000)]]) {
    for (const size of sizes) {
      const frames = framesOf(size << 20);
      const { waits, ...settings } = { ...delay(size), ...(LIMIT_YJS_DOCUMENT_BYTES && { LIMIT_YJS_DOCUMENT_BYTES }) };
      await open(targets, settings, async (opened) => {
        for (const target of Object.values(opened)) await prepare(target, frames);
        times.rows({ shape, MiB: size }, await compare(opened, (target) => one(target, waits), Math.min(rounds, 5)));
        for (const target of Object.values(opened)) target.socket?.close();
        memory.rows({ shape, MiB: size }, await compare(opened, most, 1));
      });
    }
  }
}
