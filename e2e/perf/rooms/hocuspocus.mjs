// Tidemark by Hocuspocus' dialect beside Hocuspocus' server on Node: fan-out to cheap clients, joins and idle documents by
// Hocuspocus' own provider; and rooms of both dialects.
import { setTimeout as sleep } from "node:timers/promises";
import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import { usage } from "../../workerd/host.mjs";
import { compare, median } from "../measure.mjs";
import { over } from "../results.mjs";
import { documentOf, fill } from "./documents.mjs";
import { cpuMicros, fan, newRoom, times } from "./fan.mjs";
import { both, byHocuspocus, node, open } from "./targets.mjs";

const documents = 300;
const settled = Number(process.env.BENCH_SETTLED) || 30; // seconds without an event
const ours = Object.fromEntries(Object.entries(both).map(([name, make]) => [name, async (settings) => byHocuspocus(await make(settings))]));
const peers = { ...ours, Hocuspocus: node.Hocuspocus };

// A Member holds a socket of Hocuspocus' provider, and the documents that it opened on it.
class Member {
  providers = [];

  constructor(target) {
    this.token = target.token ?? "token";
    this.socket = new HocuspocusProviderWebsocket({ url: target.url.replace("http", "ws") + target.path("") });
  }

  // opened resolves when the member has the document.
  async opened(name) {
    const provider = new HocuspocusProvider({ websocketProvider: this.socket, name, token: this.token });
    this.providers.push(provider);
    const synced = new Promise((resolve) => provider.on("synced", resolve));
    provider.attach();
    await synced;
    return provider;
  }

  close() {
    for (const provider of this.providers) {
      provider.destroy();
      provider.document.destroy();
    }
    this.socket.destroy();
  }
}

async function joining(section) {
  await open(peers, {}, async (targets) => {
    const room = newRoom();
    const keepers = await Promise.all(Object.values(targets).map((target) => fill(target, room, documentOf(1e6))));
    const rows = await compare(targets, async (target) => {
      const millis = [];
      const cpu = await cpuMicros(target, async () => {
        for (let i = 0; i < 10; i++) {
          const begin = performance.now();
          const member = new Member(target);
          await member.opened(room);
          millis.push(performance.now() - begin);
          member.close();
        }
      });
      return { "join, ms": median(millis), "CPU a join, ms": cpu / 10_000 };
    });
    for (const keeper of keepers) keeper.close();
    section.table("joining", "A newcomer to a document of 1 MB, by Hocuspocus' provider").rows({}, rows);
  });
}

// idle returns the resident memory with documents of 11 KB that nobody edits any more, so many on a socket.
async function idle(make, each) {
  const row = {};
  await open({ target: make }, {}, async ({ target }) => {
    const first = new Member(target);
    await first.opened(newRoom());
    await sleep(2000);
    const before = usage(target.pid).residentMB;
    const members = await times(documents / each, async () => {
      const member = new Member(target);
      await times(each, async () => {
        const provider = await member.opened(newRoom());
        const saved = new Promise((resolve) => provider.on("unsyncedChanges", ({ number }) => number === 0 && resolve()));
        for (let i = 0; i < 20; i++) provider.document.getText("typed").insert(0, "a sentence of some length. ".repeat(20));
        await saved;
      });
      return member;
    });
    await sleep(settled * 1000);
    const now = usage(target.pid).residentMB;
    Object.assign(row, { "at rest, MB": before, "idle, MB": now, "a document, KB": ((now - before) * 1024) / documents });
    for (const member of [...members, first]) member.close();
  });
  return row;
}

async function memory(section) {
  const table = section.table("memory", `${documents} idle documents of 11 KB, by Hocuspocus' provider`);
  for (const each of [1, 100]) table.rows({ "documents a socket": each }, await compare(peers, (make) => idle(make, each), 1));
}

// For a room a socket of either dialect is the same work. What differs between the rows is the host's: it puts an address before each message.
async function dialects(section) {
  const readers = 200, alone = "y-websocket";
  const table = section.table("dialects", `One writer and ${readers} readers of one dialect, and of both`);
  await open(both, {}, async (targets) => {
    for (const [name, target] of Object.entries(targets)) {
      const other = byHocuspocus(target);
      const rooms = { [alone]: () => target, Hocuspocus: () => other, "half of each": (i) => (i % 2 ? other : target) };
      const seen = await compare(rooms, (placeOf) => fan(target, readers, placeOf));
      for (const [sockets, figures] of Object.entries(seen)) {
        const ratios = ["CPU a delivery, µs", "burst: CPU a delivery, µs"].map((key) => [`${key}, ratio`, over(figures[key], seen[alone][key])]);
        table.row({ sockets, target: name }, figures, sockets === alone ? {} : Object.fromEntries(ratios));
      }
    }
  });
}

// hocuspocus is the section of rooms-hocuspocus.
export async function hocuspocus(section) {
  const table = section.table("fan-out", "One writer and many readers, who speak Hocuspocus");
  await open(peers, {}, async (targets) => {
    for (const readers of [50, 200, 1000]) table.rows({ readers }, await compare(targets, (target) => fan(target, readers)));
  });
  await joining(section);
  await memory(section);
  await dialects(section);
}
