// The kit's rooms with documents in SQLite on a host: whatever is typed, deleted and cut off, a room says that it is saved
// when the server has everything, and not before. EVERY_HOST runs it on workerd, too. ROOM_SEED is the first seed.
import { after, before, describe, test } from "node:test";
import { Room } from "../../web/client/dist/documents/index.js";
import { storageName } from "../../web/client/dist/index.js";
import { sqliteDocuments } from "../../web/client/dist/react-native.js";
import { doors, token } from "../doors.mjs";
import { dice } from "../dice.mjs";
import { until } from "../until.mjs";
import { forms, memory } from "./phone-sqlite.mjs";

const { EVERY_HOST, ROOM_SEED = 1 } = process.env;
const rooms = 8;
const patienceMillis = 120_000;
process.setMaxListeners(4 * rooms); // y-websocket listens to the end of the process

// Connections that a test can cut.
const sockets = new Set();
globalThis.WebSocket = class extends WebSocket {
  constructor(url) {
    super(url);
    sockets.add(this);
    this.addEventListener("close", () => sockets.delete(this));
  }
};

function cut(chance) {
  const open = [...sockets].filter(({ readyState }) => readyState === WebSocket.OPEN);
  open[Math.floor(chance * open.length)]?.close();
}

for (const host of EVERY_HOST ? ["wazero", "wrangler"] : ["wazero"]) {
  describe(`rooms on ${host}`, () => {
    let door;
    before(async () => void (door = await doors[host]().start()));
    after(() => door.close());

    const open = (id, subject, documents) => {
      const room = new Room(id, { server: { url: door.url, token: () => token(subject) }, subject, documents });
      room.connect();
      return room;
    };
    const headers = { authorization: `Bearer ${token("reader")}` };
    const onServer = async (id) => (await fetch(`${door.url}/yjs/${id}?format=text&name=t`, { headers })).text();

    // Two screens of a phone, and another phone.
    async function write(id, random) {
      const phone = sqliteDocuments(forms["op-sqlite"](memory()));
      const other = sqliteDocuments(forms["expo-sqlite"](memory()));
      const open3 = () => [open(id, "ada", phone), open(id, "ada", phone), open(id, "bob", other)];
      let three = open3();
      for (let step = 0; step < 60; step++) {
        const { doc } = three[Math.floor(random() * 3)];
        const text = doc.getText("t");
        const action = random();
        const at = Math.floor(random() * (text.length + 1));
        if (action < 0.5 || text.length === 0) text.insert(at, String.fromCharCode(97 + Math.floor(random() * 26)).repeat(1 + Math.floor(random() * 4)));
        else if (action < 0.75) text.delete(Math.min(at, text.length - 1), 1);
        else if (action < 0.8) text.format(0, text.length, { bold: random() < 0.5 || null });
        else if (action < 0.83) cut(random());
        else if (action < 0.86) {
          await Promise.all(three.map((room) => room.destroy()));
          three = open3();
          await until(() => three.every((room) => room.stored), `${id}: the documents are read`, patienceMillis);
        } else await new Promise((resolve) => setTimeout(resolve, random() * 30));
      }
      await until(() => three.every((room) => room.synced && !room.unsaved), `${id} is saved`, patienceMillis);
      const texts = () => three.map(({ doc }) => doc.getText("t").toString());
      await until(async () => new Set([...texts(), await onServer(id)]).size === 1, () => `${id} is the same everywhere: ${texts().join(" | ")}`, patienceMillis);
      const ada = { owner: storageName(door, "ada") };
      await until(async () => !(await phone.unsaved(ada)).includes(id), `${id} has no mark`, patienceMillis);
      await Promise.all(three.map((room) => room.destroy()));
    }

    test(`are saved when the server has everything, with seeds from ${ROOM_SEED}`, async () => {
      await Promise.all(Array.from({ length: rooms }, (_, i) => write(`random-${i}`, dice(Number(ROOM_SEED) + i))));
    });
  });
}
