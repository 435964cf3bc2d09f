// The demo's rich text, in two browsers.
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { onHost } from "./browser.mjs";

onHost("wrangler", "notes", (door, browser) => {
  let a, b, name;
  let count = 0;

  // Anna and Bert have the same customer's note before them.
  beforeEach(async () => {
    name = `Ada ${++count}`; // all tests share the server
    a = await (await browser.device(door.url, "Anna")).signIn();
    b = await (await browser.device(door.url, "Bert")).signIn();
    await a.create("customer", { Name: name, Company: "Engines" });
    await b.choose(name);
    for (const device of [a, b]) await device.joined();
  });

  test("two write at once, and see both texts, both names and both cursors", async () => {
    await a.type("Hello");
    await b.reads("Hello");
    await Promise.all([a.type(" from Anna"), b.type(" from Bert")]);
    for (const [device, other] of [[a, "Bert"], [b, "Anna"]]) {
      await device.page.waitForFunction(
        () => [..."Hello from Anna from Bert"].sort().join("") === [...document.querySelector(".tm-text").innerText].sort().join(""),
      );
      await device.page.locator(".present li", { hasText: other }).waitFor();
      await device.page.locator(".tm-cursors span", { hasText: other }).first().waitFor({ state: "attached" });
    }
    assert.equal(await a.note.innerText(), await b.note.innerText());
    await a.page.close();
    await b.page.locator(".present li", { hasText: "Anna" }).waitFor({ state: "detached" });
  });

  test("bold, headings and lists reach the other", async () => {
    const format = (label) => a.page.getByRole("group", { name: "Format" }).getByRole("button", { name: label }).click();
    await a.type("Title");
    await format("Heading");
    await a.page.keyboard.press("Enter");
    await format("Bold");
    await a.page.keyboard.type("strong");
    await a.page.keyboard.press("Enter");
    await format("List");
    await a.page.keyboard.type("item");
    await b.note.locator("h2", { hasText: "Title" }).waitFor();
    await b.note.locator("strong", { hasText: "strong" }).waitFor();
    await b.note.locator("ul li", { hasText: "item" }).waitFor();
  });

  test("offline edits in A and edits in B meanwhile are in both afterwards", async () => {
    await a.type("Start.");
    await b.reads("Start.");
    await a.offline(true);
    await a.page.locator(".chip.off", { hasText: "Offline" }).waitFor();
    await a.type(" Offline in A.");
    await b.type(" Online in B.");
    await a.offline(false);
    for (const device of [a, b]) {
      await device.reads("Start.", "Offline in A.", "Online in B.");
      await device.synced();
    }
    assert.equal(await a.note.innerText(), await b.note.innerText());
    for (const [device, other] of [[a, "Bert"], [b, "Anna"]]) await device.page.locator(".present li", { hasText: other }).waitFor();
  });

  test("a note that was edited offline reaches the server without being opened again", async () => {
    await a.offline(true);
    await a.type("Written on the train.");
    await a.page.locator('.bar .chip[data-unsynced="2"]').waitFor(); // the note, and its text in the row
    await a.kept("Written on the train.");
    await a.page.close();
    await a.offline(false);
    await a.open("#/products");
    await a.synced();
    await b.reads("Written on the train.");
  });

  test("text typed while the connection is silently dead counts as unsaved, and reaches the server", async () => {
    let dead = false;
    await a.page.routeWebSocket(/\/yjs\//, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((message) => dead || server.send(message));
      server.onMessage((message) => dead || socket.send(message));
    });
    await a.page.reload();
    await a.joined();
    dead = true;
    await a.type("Into the void.");
    await a.kept("Into the void.");
    await a.go("Products"); // and leaves
    await a.page.getByRole("heading", { level: 1, name: "Products" }).waitFor();
    assert.notEqual(await a.page.locator(".bar .chip").getAttribute("data-unsynced"), "0");
    dead = false;
    await a.page.close();
    await a.open("#/products");
    await a.synced();
    await b.reads("Into the void.");
  });

  test("everything closed and opened again, the note is there, and is found by its text", async () => {
    await a.type("The difference engine.");
    await b.reads("The difference engine.");
    await b.page.getByLabel("Search customers").fill("difference ENGINE");
    await b.entry(name).waitFor(); // its text is on the server, too
    await browser.forget();
    await door.stop();
    await door.start();
    const late = await (await browser.device(door.url, "Carl")).signIn();
    await late.page.getByLabel("Search customers").fill("difference ENGINE");
    await late.choose(name);
    await late.reads("The difference engine.");
  });
});
