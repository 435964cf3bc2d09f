// The processes that a job starts. Hosts run in process groups of their own, so that
// killing the job's group would leave them.
import { execFileSync } from "node:child_process";

function childrenOf(pid) {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat="], { encoding: "utf8" }).trim().split("\n");
  const rows = lines.map((line) => line.trim().split(/\s+/));
  return rows.filter(([, parent, state]) => Number(parent) === pid && !state.startsWith("Z")).map(([child]) => Number(child));
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== "ESRCH") throw error; // it has ended
  }
}

/** Kills a process and its descendants. Each is stopped before its children are listed: a stopped process starts no other. */
export function killTree(pid) {
  const stopped = [pid];
  for (const parent of stopped) {
    signal(parent, "SIGSTOP");
    stopped.push(...childrenOf(parent));
  }
  for (const member of stopped) signal(member, "SIGKILL");
}
