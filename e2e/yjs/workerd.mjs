// Tidemark on workerd, in a process whose rooms can be put to sleep at will.
import { readFileSync } from "node:fs";
import { secret } from "../doors.mjs";
import { startTidemark } from "../workerd/host.mjs";

// All members of a test are one subject.
const settings = { AUTH_SECRET: secret, LIMIT_SOCKETS_PER_SUBJECT: "10000" };

// start answers {url, pid, db, hibernate(room, className), close()}; main is as in
// startTidemark.
export async function start(bindings = {}, main) {
  const host = await startTidemark({ bindings: { ...settings, ...bindings }, main });
  return {
    ...host,
    db: await host.mf.getD1Database("DB"),
    hibernate: (room, className = "YjsRoom") =>
      host.mf.unsafeEvictDurableObject("tidemark", className, { name: room, webSockets: "hibernate" }),
  };
}

// written answers how many bytes a process has written so far, as Linux tells.
export const written = (pid) => Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))[1]);

// The Worker, which also tells at /guest of the instance of the guest for new
// requests: its number, from 1 on, how large its memory is, and the most that one had.
const measured = `
  import worker from "./worker/worker.mjs";
  import { running } from "./worker/guest.mjs";
  export { SyncRoom, YjsRoom } from "./worker/worker.mjs";
  let last, instance = 0, most = 0;
  const megabytesOf = (guest) => guest.memory.buffer.byteLength / (1 << 20);
  export default {
    fetch(request, env, ctx) {
      const guest = running(env);
      if (guest !== last) instance++;
      const megabytes = megabytesOf(guest);
      most = Math.max(most, megabytes, last ? megabytesOf(last) : 0);
      last = guest;
      if (new URL(request.url).pathname !== "/guest") return worker.fetch(request, env, ctx);
      return Response.json({ instance, megabytes, most });
    },
  };`;

// startMeasured is start, with guest().
export async function startMeasured(bindings) {
  const host = await start(bindings, measured);
  return { ...host, guest: async () => (await fetch(`${host.url}/guest`)).json() };
}
