// A small filesystem of its own, which a test can fill. It is in memory, and is gone with the test.
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, rmdirSync, statfsSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const MB = 1 << 20;
const run = (command, ...args) => spawnSync(command, args, { encoding: "utf8" });

/** Why this process cannot mount a filesystem: "" if it can. */
export function obstacle() {
  const dir = mkdtempSync(path.join(tmpdir(), "tidemark-disk-"));
  try {
    const { status, stderr, error } = run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", dir);
    if (status === 0) run("umount", dir);
    return status === 0 ? "" : `needs the right to mount a filesystem, as root or by \`unshare -rm\`: ${String(error ?? stderr).trim()}`;
  } finally {
    rmdirSync(dir);
  }
}

export class Disk {
  /** Mounts a filesystem of so many megabytes at dir, a folder. */
  constructor(dir, megabytes) {
    Object.assign(this, { dir, filler: path.join(dir, "filler") });
    const { status, stderr } = run("mount", "-t", "tmpfs", "-o", `size=${megabytes}m,mode=0700`, "tmpfs", dir);
    if (status !== 0) throw new Error(`mount: ${stderr}`);
  }

  /** Writes a file until the filesystem is full. */
  fill() {
    const file = openSync(this.filler, "a");
    try {
      for (let size = MB; size >= 1; size >>= 1) {
        try {
          for (;;) writeSync(file, Buffer.alloc(size, 1));
        } catch (error) {
          if (error.code !== "ENOSPC") throw error;
        }
      }
    } finally {
      closeSync(file);
    }
  }

  /** Deletes that file. */
  free() {
    rmSync(this.filler, { force: true });
  }

  /** How many bytes are used, without that file. */
  used() {
    const { blocks, bfree, bsize } = statfsSync(this.dir);
    return (blocks - bfree) * bsize;
  }

  close() {
    run("umount", "-l", this.dir);
  }
}
