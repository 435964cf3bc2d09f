// Sign-out of the demo: the data that stays on the device, and who can open it.
import { test } from "node:test";
import assert from "node:assert/strict";
import { storageName } from "../../web/client/dist/server.js";
import { token } from "../doors.mjs";
import { onHost } from "./browser.mjs";

onHost("wrangler", "signing out", (door, browser) => {
  const company = "Of the person who signs out";
  const signOut = (device, choice) => device.signOut(choice);
  const remove = "Remove my data", keep = "Keep my data";

  /** The databases and the keys of localStorage that name the person, also as earlier versions did. */
  const left = ({ page, name }) => page.evaluate(async ([name, prefix]) => {
    const databases = (await indexedDB.databases()).map((database) => database.name);
    return [...databases, ...Object.keys(localStorage)].filter((found) => found.includes(`-${name}-`) || found.startsWith(prefix));
  }, [name, storageName({ url: door.url }, name)]);
  /** Waits until nothing does. */
  const gone = async (device) => {
    await device.page.waitForFunction(() => (localStorage.getItem("tidemark-removing") ?? "[]") === "[]");
    assert.deepEqual(await left(device), []);
  };

  test("removes the person's databases, notes and keys, in all tabs, and nobody else's", async () => {
    const device = await browser.device(door.url, "Anna");
    await device.page.evaluate(() => new Promise((resolve) => (indexedDB.open("tidemark-Anna-0-1").onsuccess = resolve))); // of Anna-0
    await device.signIn();
    await device.create("customer", { Name: "Zuse", Company: company });
    await device.choose("Zuse");
    await device.joined();
    await device.type("a note");
    await device.synced();
    await device.kept(company);
    await device.go("Projects");
    await device.create("project", { Name: "Z1" });
    const other = await device.context.newPage();
    await other.goto(door.url);
    await other.getByRole("heading", { level: 1, name: "Customers" }).waitFor();
    assert.notDeepEqual((await left(device)).filter((name) => name.includes(",yjs,")), []);

    await device.page.getByRole("button", { name: "Sign out" }).click();
    assert.ok(await device.page.getByLabel(remove).isChecked(), "removal is what happens where nothing is lost by it");
    await device.page.getByRole("button", { name: "Cancel" }).click();
    await device.synced();
    await signOut(device);
    await other.getByLabel("Your name").waitFor();
    await device.page.waitForFunction(() => localStorage.getItem("tidemark-removing") === "[]");
    assert.deepEqual(await left(device), ["tidemark-Anna-0-1"]);

    await device.signIn();
    await device.entry("Zuse").first().waitFor();
  });

  test("keeps unsynced work unless the person says otherwise", async () => {
    const device = await browser.device(door.url, "Bert");
    await device.signIn();
    await device.installed();
    await device.offline(true);
    await device.create("customer", { Name: "Bert's", Company: company });
    await device.unsynced(1);
    await device.kept(company);
    await device.page.getByRole("button", { name: "Sign out" }).click();
    await device.page.getByText("1 change is not on the server yet").waitFor();
    await device.page.getByText("customers: 1 new", { exact: true }).waitFor();
    assert.ok(await device.page.getByLabel(keep).isChecked());
    await device.page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
    await device.page.getByText("Cannot reach the server").waitFor();
    assert.notDeepEqual(await left(device), []);
    await device.offline(false);
    await device.signIn();
    await device.entry("Bert's").waitFor();

    await device.offline(true);
    await device.create("customer", { Name: "Lost", Company: company });
    await device.unsynced(1);
    await signOut(device, remove);
    await gone(device);
    await device.offline(false);
    await device.signIn();
    await device.entry("Bert's").waitFor();
    assert.equal(await device.entry("Lost").count(), 0);
  });

  test("two people on one device send their own work alone, under their own tokens", async () => {
    const device = await browser.device(door.url, "Dora");
    const pushes = []; // [subject, contact name]
    const rooms = []; // [who is signed in, room]
    device.context.on("request", (request) => {
      if (!request.url().includes("/trpc/sync.push")) return;
      const body = request.headers().authorization.split(".")[1];
      const { created, updated } = JSON.parse(request.postData()).changes.customers;
      pushes.push(...[...created, ...updated].map((row) => [JSON.parse(Buffer.from(body, "base64url")).sub, row.contact_name]));
    });
    device.page.on("websocket", (socket) => {
      const [, room] = /\/yjs\/([^?]+)/.exec(socket.url()) ?? [];
      if (room) rooms.push([device.name, room]);
    });
    await device.signIn();
    await device.installed();
    await device.offline(true);
    await device.create("customer", { Name: "Dora's", Company: company });
    await device.choose("Dora's");
    await device.type("written offline");
    await device.unsynced(2);
    await device.kept("written offline");
    await device.page.getByRole("button", { name: "Sign out" }).click();
    await device.page.getByText("notes: 1 edited", { exact: true }).waitFor();
    await device.page.getByRole("button", { name: "Cancel" }).click();
    await signOut(device, keep);
    await device.offline(false);

    device.name = "Erik";
    await device.signIn();
    await device.create("customer", { Name: "Erik's", Company: company });
    await device.synced();
    assert.equal(await device.entry("Dora's").count(), 0);
    await signOut(device);

    device.name = "Dora";
    await device.signIn();
    await device.entry("Erik's").waitFor();
    await device.choose("Dora's");
    await device.reads("written offline");
    await device.synced();
    assert.deepEqual([...new Set(pushes.map(String))].sort(), ["Dora,Dora's", "Erik,Erik's"]);
    const roomsOf = (person) => rooms.filter(([name]) => name === person).map(([, room]) => room);
    assert.ok(roomsOf("Dora").length > 0);
    assert.deepEqual(roomsOf("Erik").filter((room) => roomsOf("Dora").includes(room)), []);
  });

  test("a token that the server has not accepted opens nobody's data", async () => {
    const device = await browser.device(door.url, "Cleo");
    await device.signIn();
    await device.create("customer", { Name: "Cleo's", Company: company });
    await device.synced();
    await device.kept("Cleo's");
    await device.installed();
    await signOut(device, keep);
    assert.notDeepEqual(await left(device), []);
    const madeUp = token("Cleo", {}, "not the server's secret");
    await device.offline(true);
    await device.page.evaluate((madeUp) => localStorage.setItem("tidemark-token", madeUp), madeUp);
    await device.page.reload();
    await device.page.getByText("Cannot reach the server").waitFor();
    assert.equal(await device.page.getByText("Cleo's").count(), 0, "offline");
    await device.offline(false);
    const refused = device.page.waitForResponse((response) => response.url().endsWith("/auth/ticket"));
    await device.page.reload();
    assert.equal((await refused).status(), 401);
    await device.page.getByLabel("Your name").waitFor();
    assert.equal(await device.page.getByText("Cleo's").count(), 0, "online");

    await device.page.evaluate((good) => localStorage.setItem("tidemark-token", good), token("Cleo"));
    await device.page.reload();
    await device.entry("Cleo's").waitFor();
    await device.offline(true);
    await device.page.reload();
    await device.entry("Cleo's").waitFor();
    await device.offline(false);
  });
});
