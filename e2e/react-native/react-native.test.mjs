// The app of examples/react-native as Metro bundles it, on phones that are React Native's own JavaScript over a native
// side of these tests, against both hosts. REACT_NATIVE_SEEDS is the number of seeds on each host, REACT_NATIVE_SEED the
// first one. HERMES is the path of a Hermes virtual machine, which then runs the app, too, and EVERY_PLATFORM bundles it for iOS, too.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { doors, root, token } from "../doors.mjs";
import { until } from "../until.mjs";
import { bundle } from "./bundle.mjs";
import { inContext, inHermes } from "./engines.mjs";
import { Phone } from "./phone.mjs";
import { open, World } from "./world.mjs";

const { HERMES, EVERY_PLATFORM, REACT_NATIVE_SEED = 1, REACT_NATIVE_SEEDS = 1 } = process.env;
const app = path.join(root, "examples/react-native");
const dir = mkdtempSync(path.join(tmpdir(), "tidemark-react-native-"));
const file = (name) => path.join(dir, name);
const soon = 60_000; // what a trigger does at once may take this long on a busy machine

// The engines by name. Each is made when the bundles are there.
const engines = {
  "a context of V8": () => inContext(readFileSync(file("android.js"), "utf8")),
  ...(HERMES && { Hermes: () => inHermes(readFileSync(file("old.js"), "utf8"), HERMES) }),
};

before(async () => {
  await bundle("android", file("android.js"));
  if (HERMES) await bundle("android", file("old.js"), true);
});
after(() => rmSync(dir, { recursive: true }));

test("the schema is up to date with the default tables", () => {
  const args = ["tables", "types", "--only", "schema", "--out", dir];
  const [tool, ...first] = process.env.TIDEMARK_SERVER ? [process.env.TIDEMARK_SERVER] : ["go", "run", "./wasm/cmd/tidemark"];
  execFileSync(tool, [...first, ...args], { cwd: root, stdio: "pipe" });
  assert.equal(readFileSync(path.join(app, "schema.ts"), "utf8"), readFileSync(file("schema.ts"), "utf8"));
});

test("the app has no mistake of types", () => {
  execFileSync("node", [path.join(app, "node_modules/typescript/bin/tsc"), "-p", app], { stdio: "inherit" });
});

test("the compiler of React Native's Hermes takes the bundle", () => {
  const compiler = path.join(app, "node_modules/hermes-compiler/hermesc", { darwin: "osx-bin", win32: "win64-bin" }[process.platform] ?? "linux64-bin", "hermesc");
  execFileSync(compiler, ["-emit-binary", "-O0", "-w", "-out", file("app.hbc"), file("android.js")]);
});

if (EVERY_PLATFORM) test("Metro bundles the app for iOS, too", () => bundle("ios", file("ios.js")));

for (const [engine, make] of Object.entries(engines)) {
  describe(`in ${engine}`, { timeout: 1_200_000 + REACT_NATIVE_SEEDS * 60_000 }, () => {
    let run;
    before(() => (run = make()));
    const phone = () => new Phone(run);

    test("the phone has what React Native has, and nothing of Node or a browser", async () => {
      const one = phone();
      await one.start();
      const names = await one.call("globals");
      for (const name of ["fetch", "XMLHttpRequest", "WebSocket", "Blob", "AbortController", "navigator", "ErrorUtils"]) assert.ok(names.includes(name), name);
      for (const name of [
        "crypto", "TextDecoder", "DOMException", "ReadableStream", "structuredClone", "document", "indexedDB", "localStorage", "addEventListener",
        "BroadcastChannel", "Buffer", "require", "WebAssembly",
      ]) assert.ok(!names.includes(name), name);
      one.close();
    });

    for (const expo of [false, true]) {
      test(`a server that does not respond, and identifiers${expo ? ", with what Expo adds" : ""}`, async () => {
        const one = phone();
        await one.start();
        if (expo) await one.call("expo");
        one.faulty = () => new Promise(() => {});
        await assert.rejects(one.call("ask", "http://127.0.0.1"), /did not respond in time/);
        assert.match(await one.call("uuid"), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        assert.notEqual(await one.call("uuid"), await one.call("uuid"));
        assert.deepEqual(one.logs, []);
        one.close();
      });
    }

    test("a session outlives the app", async () => {
      const one = phone();
      const session = { url: "http://phone.example", token: token("Žofie") };
      await one.start();
      await one.call("expo");
      await one.call("keep", session);
      await one.restart();
      await one.call("expo");
      assert.deepEqual(await one.call("kept"), { ...session, subject: "Žofie" });
      one.close();
    });

    test("the screens load", async () => {
      const one = phone();
      await one.start();
      await one.call("expo");
      await one.call("screens");
      assert.deepEqual(one.logs, []);
      one.close();
    });

    for (const [name, make] of Object.entries(doors)) onHost(name, make(), phone);
  });
}

function onHost(name, door, phone) {
  describe(`on ${name}`, () => {
    const phones = [];
    let spaces = 0;
    before(() => door.start());
    after(async () => {
      for (const one of phones) one.close();
      await door.close();
    });

    // meet opens the app of two people in a new space.
    const meet = (expo) => (spaces++, Promise.all(["ann", "bob"].map((person) => join(person, expo))));
    async function join(person, expo) {
      const [one, space] = [phone(), `story-${spaces}`];
      phones.push(one);
      one.begin = async () => (await one.start(), open(one, door, space, person, expo));
      await one.begin();
      return one;
    }
    const has = (one, ...names) => until(async () => (await one.call("names")).join() === names.join(), names.join(), soon);
    const reads = (one, text) => until(async () => (await one.call("text")) === text, text, soon);
    const saved = (one) => until(async () => (await one.call("sync")).phase === "idle" && !(await one.call("unsaved")), "saved", soon);

    for (const expo of [false, true]) {
      test(`rows and the notebook written offline outlive a kill, and go to the others${expo ? ", with what Expo adds" : ""}`, async () => {
        const [ann, bob] = await meet(expo);
        await ann.call("add", "Zuse");
        await has(bob, "Zuse");
        const pushed = async () => (await ann.call("log")).some((sync) => sync.pushed === 1);
        await until(pushed, "the log has the push", soon);
        ann.connect(false);
        await ann.call("add", "Atari");
        await ann.call("rename", "Zuse", "Zuse KG");
        await ann.call("type", 0, "<offline>");
        ann.kill();
        await bob.call("type", 0, "<online>");
        await ann.begin();
        assert.ok(await pushed(), "the log outlives the kill");
        await has(ann, "Atari", "Zuse KG");
        await reads(ann, "<offline>");
        assert.equal((await ann.call("state")).unsynced, 2);
        const { total, tables, rooms } = await ann.call("unsynced");
        assert.deepEqual([total, tables, rooms.map(({ id }) => id)], [3, { customers: { created: 1, updated: 1, deleted: 0 } }, ["notebook"]]);
        ann.connect(true);
        await has(bob, "Atari", "Zuse KG");
        await saved(ann);
        const text = await ann.call("text");
        assert.ok(["<online><offline>", "<offline><online>"].includes(text), text);
        await reads(bob, text);
        assert.deepEqual([...ann.logs, ...bob.logs].filter((line) => !/JSI SQLiteAdapter/.test(line)), []);
      });
    }

    test("the first sync loads the rows in turbo mode where WatermelonDB has JSI, and later ones do not", async () => {
      const [ann] = await meet(false);
      for (const name of ["Atari", "Zuse"]) await ann.call("add", name);
      await saved(ann);
      const late = await join("carl", false);
      await has(late, "Atari", "Zuse");
      const jsi = !late.logs.some((line) => /JSI SQLiteAdapter/.test(line));
      assert.equal(late.turboRows, jsi ? 2 : 0);
      await ann.call("rename", "Atari", "Commodore");
      await has(late, "Commodore", "Zuse");
      await late.call("rename", "Zuse", "Zuse KG");
      await has(ann, "Commodore", "Zuse KG");
      assert.equal(late.turboRows, jsi ? 2 : 0);
    });

    test("the app syncs when it comes to the foreground, and when the phone comes online", async () => {
      const [ann, bob] = await meet(false);
      await until(async () => (await bob.call("state")).phase === "idle", "idle", soon);
      bob.sockets = false; // so nothing tells of the rows
      bob.connect(false, false);
      bob.connect(true, false);
      bob.show("background");
      await ann.call("add", "Atari");
      await saved(ann);
      bob.show("active");
      await has(bob, "Atari");
      bob.connect(false);
      await ann.call("add", "Zuse");
      await saved(ann);
      bob.connect(true);
      await has(bob, "Atari", "Zuse");
    });

    test("a notebook that was written offline and closed goes to the server when the phone comes online", async () => {
      const [ann, bob] = await meet(false);
      ann.connect(false);
      await ann.call("type", 0, "<closed>");
      await ann.call("closeNotebook");
      ann.connect(true);
      await reads(bob, "<closed>");
    });

    test(`nothing is lost: ${REACT_NATIVE_SEEDS} seeds from ${REACT_NATIVE_SEED}`, async () => {
      for (let seed = Number(REACT_NATIVE_SEED); seed < Number(REACT_NATIVE_SEED) + Number(REACT_NATIVE_SEEDS); seed++) {
        const world = new World(door, phone, seed, seed % 2 === 0);
        await world.run(40).catch((error) => {
          throw new Error(`seed ${seed}:\n${world.story.join("\n")}\n${error.message}`, { cause: error });
        });
      }
    });
  });
}
