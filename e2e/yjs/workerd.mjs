// Tidemark on workerd, in a process whose rooms can be put to sleep at will.
import { readFileSync } from "node:fs";
import { startTidemark } from "../workerd/host.mjs";

// start answers {url, pid, db, hibernate(room), close()}.
export async function start(bindings = {}) {
  const host = await startTidemark({ bindings: { AUTH_SECRET: "a secret that only these tests know", ...bindings } });
  return {
    ...host,
    db: await host.mf.getD1Database("DB"),
    hibernate: (room) => host.mf.unsafeEvictDurableObject("tidemark", "YjsRoom", { name: room, webSockets: "hibernate" }),
  };
}

// written answers how many bytes a process has written so far, as Linux tells.
export const written = (pid) => Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))[1]);
