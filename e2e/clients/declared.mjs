// Hosts that serve the tables of the conformance suite, which have rules and checks, and clients
// that have some of them.
import { execFileSync } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import path from "node:path";
import { doors, root } from "../doors.mjs";

const file = (name) => path.join(root, "e2e/conformance/testdata", name);

const declare = {
  wazero: (door) => {
    const { command } = door;
    door.command = (door) => [...command(door), "--tables", file("tables.toml")];
  },
  wrangler: (door) => {
    const { prepare } = door;
    door.prepare = (door) => {
      prepare(door);
      appendFileSync(path.join(door.dir, "dev.vars"), `TABLES='${readFileSync(file("tables.json"), "utf8").trim()}'\n`);
      execFileSync("wrangler", ["d1", "execute", "DB", "--local", "--persist-to", door.dir, "--file", file("tables.sql"), "--yes"], {
        cwd: root, env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" }, stdio: "pipe",
      });
    };
  },
};

// The hosts, by name: each function returns a door that has not started.
export const declaredDoors = Object.fromEntries(Object.keys(doors).map((name) => [name, () => {
  const door = doors[name]();
  declare[name](door);
  return door;
}]));

// The tables as Client takes them: see served in watermelon.mjs.
export const tables = {
  visits: { owner_id: "string!", rating: "number", note: "string", code: "string", status: "string!", level: "number" },
  places: { owner_id: "string", team: "string", name: "string" },
  catalogue: { title: "string", price: "number!" },
  letters: { owner_id: "string", text: "string" },
};
