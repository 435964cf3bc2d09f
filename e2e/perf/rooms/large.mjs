// Documents of up to 32 MiB, each in a host that has just started.
import { usage } from "../../workerd/host.mjs";
import { forget, median, peakMB, print, round } from "../measure.mjs";
import { join, load } from "./client.mjs";
import { documentOf, fill, typist, valuesOf, write } from "./documents.mjs";
import { both, node, open, workerd } from "./targets.mjs";

const MiB = 1 << 20;
const room = "large";
const targets = { ...both, "y-partyserver": workerd["y-partyserver"], ...node };

// Without the variable Tidemark has its default.
const { LIMIT_YJS_DOCUMENT_BYTES } = process.env;

// delay returns settings with which a room of that many MiB, or a little less, is compacted
// about a second after an edit. waits is the exact number of milliseconds.
function delay(size) {
  const times = 4 * size; // for each 256 KB
  const millis = Math.round(1000 / times);
  return { YJS_COPY_MILLIS: String(millis), waits: millis * times };
}

// millis returns the median time of three runs of f, each after prepare, or the error.
async function millis(f, prepare = () => {}) {
  const times = [];
  try {
    for (let i = 0; i < 3; i++) {
      await prepare();
      const begin = performance.now();
      await f();
      times.push(performance.now() - begin);
    }
  } catch (error) {
    return error.message.slice(0, 40);
  }
  return round(median(times));
}

async function one(target, frames, waits) {
  (await join(target, "another")).close();
  const quiet = usage(target.pid).residentMB;
  forget(target.pid);
  const type = typist();
  let socket, edited;
  const edit = () => ((edited = Date.now()), write(socket, type()));
  const copied = () => target.copied(room, edited);
  try {
    socket = await fill(target, room, frames);
    await edit();
    if (target.ask) await copied();
  } catch (error) {
    return { "not measured": error.message };
  }
  const row = {};
  row["join, ms"] = await millis(() => load(target, room));
  if (target.ask) {
    row["GET, ms"] = await millis(() => target.ask("GET", room));
    const compaction = await millis(copied, edit);
    row["compaction, ms"] = typeof compaction === "number" ? compaction - waits : compaction;
    let id;
    row["version, ms"] = await millis(async () => ({ id } = JSON.parse(await target.ask("POST", `${room}/versions`, "a name"))));
    row["restore, ms"] = await millis(() => target.ask("POST", `${room}/versions/${id}/restore`), edit);
  }
  row["resident above quiet, MB"] = round(peakMB(target.pid) - quiet);
  if (target.guest) {
    const { instance, most } = await target.guest();
    row["guest, MB"] = round(most);
    row["its instances"] = instance;
  }
  socket.close();
  return row;
}

export async function large() {
  for (const [shape, framesOf] of [["values of 5 MB", valuesOf], ["a text of 5,000 edits", (bytes) => documentOf(bytes - 200_000)]]) {
    for (const size of [1, 8, 16, 32]) {
      const frames = framesOf(size * MiB);
      const { waits, ...settings } = { ...delay(size), ...(LIMIT_YJS_DOCUMENT_BYTES && { LIMIT_YJS_DOCUMENT_BYTES }) };
      const rows = {};
      for (const [name, make] of Object.entries(targets)) {
        await open({ [name]: make }, settings, async ({ [name]: target }) => {
          rows[name] = await one(target, frames, waits);
        });
      }
      print(`A document of ${size} MiB, ${shape} (medians of three; memory at its peak)`, rows);
    }
  }
}
