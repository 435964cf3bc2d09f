// The demo's spaces: what a team shares and what it does not, and whose unsynced work a
// device pushes.
import { test } from "node:test";
import assert from "node:assert/strict";
import { until } from "../until.mjs";
import { storageName } from "../../web/client/dist/server.js";
import { token } from "../doors.mjs";
import { onHost } from "./browser.mjs";

onHost("wrangler", "spaces", (door, browser) => {
  const signedIn = async (name) => (await browser.device(door.url, name)).signIn();

  /** What the server has in a space, as text. */
  const stored = async (space, sub) => {
    const path = space === "" ? "" : `/s/${space}`;
    const headers = { authorization: `Bearer ${token(sub, { spaces: ["", space] })}` };
    const response = await fetch(`${door.url}${path}/sync/pull`, { headers });
    assert.equal(response.status, 200, space);
    return response.text();
  };

  test("a team shares its rows, notes, presence and projects, and nobody sees a personal space", async () => {
    const anna = await signedIn("Anna");
    await anna.openSpace("Personal");
    await anna.create("customer", { Name: "My diary", Company: "private" });
    await anna.synced();
    await anna.createTeam("crew");
    await anna.create("customer", { Name: "Ada", Company: "of the crew" });
    await anna.joined();
    await anna.type("Met her at the fair.");
    await anna.synced();
    const link = await (await anna.openSpaces()).getByLabel("Invite to crew").inputValue();
    await anna.page.keyboard.press("Escape");

    const bert = await signedIn("Bert");
    await bert.page.goto(link);
    await bert.page.getByRole("button", { name: "Join as Bert" }).click();
    await bert.inSpace("crew");
    await bert.choose("Ada");
    await bert.reads("Met her at the fair.");
    for (const [device, other] of [[anna, "Bert"], [bert, "Anna"]]) await device.page.locator(".present li", { hasText: other }).waitFor();
    await bert.fill("Company", "seen by Bert");
    await anna.entry("seen by Bert").waitFor();
    await anna.go("Projects");
    await anna.create("project", { Name: "Engine of the crew" });
    await anna.page.getByLabel("Role of Anna").waitFor();

    await bert.openSpace("Everyone");
    await bert.synced();
    await bert.openSpace("Personal");
    await bert.synced();
    await anna.openSpace("Everyone");
    await anna.page.getByText("No projects yet.").waitFor();
    for (const title of ["Ada", "My diary"]) assert.equal(await bert.entry(title).count(), 0, title);
    assert.match(await stored("crew", "Bert"), /seen by Bert/);
    assert.match(await stored("personal.Anna", "Anna"), /My diary/);
    for (const space of ["", "crew", "personal.Bert"]) assert.doesNotMatch(await stored(space, "Bert"), /My diary/, space);
    assert.doesNotMatch(await stored("", "Bert"), /of the crew|seen by Bert/);
  });

  test("a space keeps its unsynced work while another is shown, and sends it when online", async () => {
    const anna = await signedIn("Anna");
    await anna.createTeam("train");
    await anna.synced();
    await anna.offline(true);
    await anna.create("customer", { Name: "Written on the train", Company: "" });
    await anna.unsynced(1);
    await anna.openSpace("Everyone");
    await anna.unsynced(0);
    assert.equal(await anna.entry("Written on the train").count(), 0);
    const dialog = await anna.openSpaces();
    await dialog.getByRole("link", { name: "train 1 not synced yet" }).waitFor();
    await anna.page.keyboard.press("Escape");
    await anna.offline(false);
    const bert = await browser.device(door.url, "Bert");
    await bert.signIn();
    await bert.page.goto(`${door.url}/#/join/train`);
    await bert.page.getByRole("button", { name: "Join as Bert" }).click();
    await bert.entry("Written on the train").waitFor(); // Anna still looks at another space
    await anna.openSpace("train");
    await anna.synced();
    await anna.entry("Written on the train").waitFor();
  });

  test("who signs in on the same browser neither sees nor pushes the unsynced work of another", async () => {
    const device = await signedIn("Anna");
    await device.create("customer", { Name: "Known", Company: "" });
    await device.joined();
    await device.synced();
    await device.installed();
    await device.offline(true);
    await device.type("Anna's words");
    await device.fill("Company", "Anna's edit");
    await device.create("customer", { Name: "Anna's new row", Company: "" });
    await device.kept("Anna's new row");
    await device.kept("Anna's edit");
    await device.signOut("Keep my data");
    await device.offline(false);

    device.name = "Carl";
    await device.signIn();
    await device.choose("Known");
    await device.joined();
    for (const text of ["Anna's words", "Anna's edit", "Anna's new row"]) assert.equal(await device.page.getByText(text).count(), 0, text);
    await device.create("customer", { Name: "Carl's", Company: "" });
    await device.synced();
    assert.match(await stored("", "Carl"), /Carl's/);
    assert.doesNotMatch(await stored("", "Carl"), /Anna's/);
    await device.signOut("Remove my data");

    device.name = "Anna";
    await device.signIn();
    await device.entry("Anna's new row").waitFor();
    const bert = await signedIn("Bert");
    for (const text of ["Anna's new row", "Anna's edit"]) await bert.entry(text).waitFor();
    await bert.choose("Known");
    await bert.reads("Anna's words");
  });

  test("what version 0.1.0 stored is there after the update, and is pushed", async () => {
    const anna = await signedIn("Anna");
    await anna.create("customer", { Name: "Old row", Company: "" });
    await anna.joined();
    await anna.synced();
    await anna.offline(true);
    await anna.type("old words");
    await anna.create("customer", { Name: "Written before the update", Company: "" });
    await anna.kept("old words");
    await anna.kept("Written before the update");
    const id = async (name) => new URL(await anna.entry(name).first().evaluate((link) => link.href)).hash.split("/").pop();
    const room = `customer-notes-${await id("Old row")}`;
    await anna.page.close();
    await anna.offline(false);

    // The page of the health check runs no script. There the names become those of 0.1.0.
    await anna.open("healthz");
    const own = (...parts) => storageName({ url: door.url }, "Anna", ...parts);
    await anna.page.evaluate(async ([index, names]) => {
      const done = (request) => new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      for (const [from, to] of names) {
        const source = await done(indexedDB.open(from));
        const stores = [];
        for (const name of source.objectStoreNames) {
          const store = source.transaction(name).objectStore(name);
          const { keyPath, autoIncrement } = store;
          const rows = name === "custom" ? [] : await done(store.getAll()); // version 0.1.0 left it empty
          stores.push({ name, keyPath, autoIncrement, rows });
        }
        const request = indexedDB.open(to, source.version);
        request.onupgradeneeded = () => {
          for (const { name, keyPath, autoIncrement, rows } of stores) {
            const store = request.result.createObjectStore(name, { keyPath, autoIncrement });
            for (const row of rows) store.put(row);
          }
        };
        (await done(request)).close();
        source.close();
        await done(indexedDB.deleteDatabase(from));
      }
      await done(indexedDB.deleteDatabase(index));
      for (const key of Object.keys(localStorage)) if (key.startsWith("tidemark,")) localStorage.removeItem(key);
    }, [own("unsaved"), [[own("0"), "tidemark-Anna-0"], [own("yjs", room), `tidemark-Anna-yjs-${room}`]]]);
    await anna.page.evaluate((room) => {
      localStorage.setItem("tidemark-unsynced:tidemark-Anna-0:records", "2");
      localStorage.setItem(`tidemark-Anna-unsaved:${room}`, "");
    }, room);
    await anna.page.close();

    await anna.open();
    await anna.entry("Written before the update").waitFor();
    await anna.synced();
    const bert = await signedIn("Bert");
    await bert.entry("Written before the update").waitFor();
    await bert.choose("Old row");
    await bert.reads("old words");
    await anna.page.waitForFunction(async () => {
      const names = [...(await indexedDB.databases()).map(({ name }) => name), ...Object.keys(localStorage)];
      return !names.some((name) => /tidemark-Anna-/.test(name));
    });
  });

  test("a person is told of a deleted space, and of one that the token does not include", async () => {
    const anna = await signedIn("Anna");
    await anna.createTeam("doomed");
    await anna.create("customer", { Name: "Last words", Company: "" });
    await anna.synced();
    const headers = { authorization: `Bearer ${token("operator", { spaces: { doomed: "sync:admin spaces:admin" } })}` };
    const subscribers = async () => (await (await fetch(`${door.url}/s/doomed/info`, { headers })).json()).subscribers;
    await until(async () => (await subscribers()) > 0, "Anna hears of the space"); // who comes later finds a new, empty space
    const response = await fetch(`${door.url}/s/doomed`, { method: "DELETE", headers });
    assert.equal(response.status, 204);
    await anna.page.getByRole("alert").filter({ hasText: "Somebody deleted this space." }).first().waitFor();
    await anna.entry("Last words").waitFor();

    await anna.page.evaluate((narrow) => localStorage.setItem("tidemark-token", narrow), token("Anna", { spaces: { "": "sync:read", "open-*": "sync:read" } }));
    await anna.page.reload();
    await anna.page.getByText("Your sign-in does not include this space").waitFor();
    await anna.page.goto(`${door.url}/#/join/open-data`);
    await anna.page.getByRole("button", { name: "Join as Anna" }).click();
    await anna.inSpace("open-data");
    await anna.openSpace("Everyone");
  });
});
