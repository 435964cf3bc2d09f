// Tidemark on workerd, with rooms that a test can put to sleep.
import { readFileSync } from "node:fs";
import { secret } from "../doors.mjs";
import { startTidemark } from "../workerd/host.mjs";

// All members of a test are one subject.
const settings = { AUTH_SECRET: secret, LIMIT_SOCKETS_PER_SUBJECT: "10000" };

// start returns {url, pid, db, hibernate(room, className), close()}. main and other options are as in
// startTidemark.
export async function start(bindings = {}, main, options = {}) {
  const host = await startTidemark({ bindings: { ...settings, ...bindings }, main, ...options });
  return {
    ...host,
    db: await host.mf.getD1Database("DB"),
    hibernate: (room, className = "YjsRoom") =>
      host.mf.unsafeEvictDurableObject("tidemark", className, { name: room, webSockets: "hibernate" }),
  };
}

// written returns how many bytes a process has written, from Linux.
export const written = (pid) => Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))[1]);

// The Worker with a route /guest. It returns the number of the guest's instance for new
// requests, from 1 on, the size of its memory, and the greatest size of any instance.
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

// startMeasured returns what start returns, and guest(), which reads /guest.
export async function startMeasured(bindings, options) {
  const host = await start(bindings, measured, options);
  return { ...host, guest: async () => (await fetch(`${host.url}/guest`)).json() };
}
