// The processes that a job starts. Hosts run in process groups of their own, so that
// killing the job's group would leave them.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

// The rows of a process table: id, parent's id, state. Linux has it as files, also where ps is not installed.
function table() {
  if (!existsSync("/proc/self/stat")) {
    return execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat="], { encoding: "utf8" }).trim().split("\n").map((line) => line.trim().split(/\s+/));
  }
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // after the name, which may hold anything
      return [[pid, parent, state]];
    } catch {
      return []; // it has ended
    }
  });
}

/** Whether a process runs. One that has ended, and that nobody has waited for, does not. */
export const runs = (pid) => table().some(([id, , state]) => Number(id) === Number(pid) && !state.startsWith("Z"));

const childrenOf = (pid) => table().filter(([, parent, state]) => Number(parent) === pid && !state.startsWith("Z")).map(([child]) => Number(child));

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
