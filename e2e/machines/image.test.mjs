// The ways of docs/deploy.md to run a release: the image of docs/machines/Dockerfile, which runs in
// a root with nothing else in it, the file for compose, and the unit of systemd. operate.md F4.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client } from "../clients/watermelon.mjs";
import { Release, released } from "../releases/release.mjs";
import { read, write } from "../releases/story.mjs";
import { root, token } from "../doors.mjs";
import { configuration, program } from "./proxies.mjs";

const forms = { Dockerfile: "dockerfile", "compose.yaml": "yaml", "tidemark.service": "ini" };

test("F4 docs/deploy.md shows the files as they are", () => {
  const guide = readFileSync(path.join(root, "docs/deploy.md"), "utf8");
  for (const [file, form] of Object.entries(forms)) {
    assert.ok(guide.includes(`\n\`\`\`${form}\n${configuration(file)}\`\`\`\n`), `docs/deploy.md does not show ${file}`);
  }
});

test("F4 compose.yaml runs what the Dockerfile says, with the place of its data", () => {
  const list = (text) => [...text.matchAll(/"([^"]*)"/g)].map(([, word]) => word);
  const command = list(/^CMD (\[.*\])$/m.exec(configuration("Dockerfile"))[1]);
  assert.deepEqual(list(/^ +command: (\[.*\])$/m.exec(configuration("compose.yaml"))[1]).slice(0, command.length), command);
  const [, volume] = /^VOLUME (\S+)$/m.exec(configuration("Dockerfile"));
  assert.ok(configuration("compose.yaml").includes(`volumes: ["data:${volume}"]`));
});

// Its folders are below one that is removed after the tests.
const dir = mkdtempSync(path.join(tmpdir(), "tidemark-image-"));
after(() => rmSync(dir, { recursive: true, force: true }));

test("F4 systemd takes the unit, and rates its exposure below 2 of 10", { skip: !program("systemd-analyze") && "needs systemd-analyze" }, () => {
  const binary = path.join(dir, "tidemark"), unit = path.join(dir, "tidemark.service");
  copyFileSync(released(), binary);
  chmodSync(binary, 0o755);
  writeFileSync(unit, configuration("tidemark.service").replace("/usr/local/bin/tidemark", binary));
  execFileSync("systemd-analyze", ["verify", "--man=no", unit]);
  execFileSync("systemd-analyze", ["security", "--offline=true", "--no-pager", "--threshold=20", unit]); // in tenths
});

const cannot = !program("buildah") ? "needs buildah: sh e2e/machines/buildah.sh" : process.getuid?.() !== 0 && "needs root, for a root of its own";

describe("F4 the image", { timeout: 600_000, skip: cannot }, () => {
  const storage = ["root", "runroot"].flatMap((name) => [`--${name}`, path.join(dir, name)]);
  const buildah = (...args) => execFileSync("buildah", [...storage, "--storage-driver", "vfs", ...args], { encoding: "utf8" }).trim();
  let config, mounted, release;

  // inside is a command line that runs in the root of the image, as its user, with its variables alone.
  const inside = (...args) => [program("chroot"), `--userspec=${config.User}`, mounted, ...args];
  const run = ([file, ...args]) => execFileSync(file, args, { env: release.env, encoding: "utf8", stdio: "pipe" });

  before(async () => {
    const context = path.join(dir, "context");
    mkdirSync(context);
    copyFileSync(released(), path.join(context, path.basename(released())));
    buildah("bud", "--isolation", "chroot", "--format", "docker", "--quiet", "--tag", "tidemark",
      "--file", path.join(root, "docs/machines/Dockerfile"), context);
    config = JSON.parse(buildah("inspect", "--type", "image", "tidemark")).Docker.config;
    mounted = buildah("mount", buildah("from", "tidemark"));
    release = new Release({ dir });
    release.env = Object.fromEntries(config.Env.map((pair) => pair.split(/=(.*)/).slice(0, 2)));
    // The port is the one of the image's that is free here.
    const command = [...config.Entrypoint, ...config.Cmd];
    release.command = () => inside(...command.map((word) => word.replace(/^0\.0\.0\.0:8787$/, `127.0.0.1:${release.port}`)));
    await release.start({ HOME: "", YJS_COPY_MILLIS: "1", ...release.env });
  });
  after(async () => {
    await release?.stop();
    if (mounted) buildah("rm", "--all");
  });

  test("has the file, a user without rights, a volume that the user may write, and nothing else", () => {
    assert.deepEqual(readdirSync(mounted).sort(), ["data", "tidemark"]);
    assert.match(config.User, /^[1-9]\d*:[1-9]\d*$/);
    assert.deepEqual(Object.keys(config.Volumes), ["/data"]);
    assert.equal(String(statSync(path.join(mounted, "data")).uid), config.User.split(":")[0]);
    assert.equal(statSync(path.join(mounted, "tidemark")).uid, 0);
    assert.deepEqual(readdirSync(path.join(mounted, "data")).sort(), ["cache", "tidemark"]);
  });

  test("is healthy, as its HEALTHCHECK says, and says so when it is not", () => {
    const [kind, ...check] = config.Healthcheck.Test;
    assert.equal(kind, "CMD");
    const at = (port) => inside(...check.map((word) => word.replace("8787", port)));
    run(at(String(release.port)));
    assert.throws(() => run(at("1")), /connection refused/);
  });

  test("takes and returns rows, projects and documents", async () => {
    await write(release.url);
    const told = await read(release.url);
    assert.equal(told.rows.customers.updated.length, 2);
    const device = new Client(release.url, token("ann"));
    await device.sync();
    assert.equal(await device.database.get("customers").query().fetchCount(), 2);
    // After another start with what is in the volume.
    await release.stop();
    await release.start({ HOME: "", ...release.env });
    assert.deepEqual({ ...(await read(release.url)), revoked: 401 }, { ...told, revoked: 401 });
  });

  test("sorts more than its memory takes: it needs no folder for temporary files", async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => ({ id: `big${i}`, notes: "n".repeat(500), created_at: 1, updated_at: 1 }));
    const device = new Client(release.url, token("ann"));
    await device.trpc.sync.push.mutate({ changes: { customers: { created: [], updated: rows, deleted: [] } }, lastPulledAt: 1 });
    await device.sync();
    assert.equal(await device.database.get("customers").query().fetchCount(), rows.length + 2);
  });

  test("makes a token by its own command", () => {
    const made = run(inside("/tidemark", "token", "--data", "/data/tidemark", "--sub", "ann"));
    assert.match(made, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    assert.ok(readdirSync(path.join(mounted, "data")).includes("tidemark.secret"));
  });
});
