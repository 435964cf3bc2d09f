// The demo's structured part, in two browsers.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { root, token } from "../doors.mjs";
import { onHost } from "./browser.mjs";

const budget = JSON.parse(readFileSync(path.join(root, "web/client/budgets.json"), "utf8")).demo.bytes;

onHost("wazero", "records", (door, browser) => {
  let a, b, name;
  let count = 0;

  beforeEach(async () => {
    name = `Ada ${++count}`; // all tests share the server
    a = await (await browser.device(door.url, "Anna")).signIn();
    b = await (await browser.device(door.url, "Bert")).signIn();
  });

  test("what A creates, edits and deletes is seen in B without reload", async () => {
    await a.create("customer", { Name: name, Company: "Engines" });
    await b.entry(name).waitFor();
    await b.choose(name);
    await a.fill("Company", "Analytical Engines");
    await b.entry("Analytical Engines").waitFor();
    await b.page.locator('.fields input[value="Analytical Engines"]').waitFor();
    await a.delete();
    await b.entry(name).waitFor({ state: "detached" });
    await b.page.getByText("This customer is not on this device").waitFor();
    await a.synced();
  });

  test("the page loads no more before a click than its budget", async () => {
    await a.synced();
    const page = await a.context.newPage();
    const files = [];
    page.on("response", (response) => void (/\/assets\//.test(response.url()) && files.push(response)));
    await page.goto(door.url, { waitUntil: "networkidle" });
    await page.getByRole("heading", { level: 1, name: "Customers" }).waitFor();
    await page.waitForLoadState("networkidle");
    const sizes = await Promise.all(files.map(async (file) => gzipSync(await file.body(), { level: 9 }).length));
    const size = sizes.reduce((sum, bytes) => sum + bytes, 0);
    assert.ok(files.length > 3 && size <= budget, `${size} of ${budget} bytes: ${files.map((file) => file.url())}`);
  });

  test("products have prices, and are found by search", async () => {
    await a.go("Products");
    await a.create("product", { Title: `${name} lamp`, Price: "20", Discount: "0.5" });
    await a.create("product", { Title: `${name} chair`, Price: "99" });
    await b.go("Products");
    await b.entry(`${name} lamp`).filter({ hasText: "19.50" }).waitFor();
    await b.page.getByLabel("Search products").fill(`${name} CHAIR`.toUpperCase());
    await b.entry(`${name} lamp`).waitFor({ state: "detached" });
    await b.entry(`${name} chair`).waitFor();
    assert.equal(await b.page.locator(".list li").count(), 1);
  });

  test("edits of one record, made offline in A and online in B, both stay", async () => {
    await a.create("customer", { Name: name, Company: "old" });
    await a.synced();
    await b.choose(name);
    await a.offline(true);
    await a.page.locator(".chip.off", { hasText: "Offline" }).waitFor();
    await a.fill("Company", "from A");
    await a.unsynced(1);
    await b.fill("Name", `${name} from B`);
    await b.synced();
    await a.offline(false);
    for (const device of [a, b]) {
      await device.entry(`${name} from B`).filter({ hasText: "from A" }).waitFor();
      await device.synced();
    }
  });

  test("rows written offline are there after the browser was closed", async () => {
    await a.installed();
    await a.offline(true);
    await a.create("customer", { Name: name, Company: "kept" });
    await a.unsynced(1);
    await a.kept(name);
    await a.page.close();
    await a.open(); // offline: the service worker has the app
    await a.entry(name).filter({ hasText: "kept" }).waitFor();
    await a.unsynced(1);
    await a.offline(false);
    await a.synced();
    await b.entry(name).waitFor();
    for (const device of [a, b]) {
      await device.page.close();
      await device.open();
      await device.entry(name).waitFor();
      await device.synced();
    }
  });

  test("the app opens when a proxy returns that the server is down", async () => {
    let down = false;
    const proxy = createServer(async ({ url }, response) => {
      const { status, headers, body } = down ? new Response("Bad gateway", { status: 502 }) : await fetch(door.url + url);
      response.writeHead(status, { "content-type": headers.get("content-type") ?? "text/plain" });
      for await (const part of body ?? []) response.write(part);
      response.end();
    });
    await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const device = await browser.device(`http://127.0.0.1:${proxy.address().port}`, "Carl");
    await device.page.getByRole("heading", { name: "Tidemark" }).waitFor();
    await device.installed();
    down = true;
    await device.page.reload();
    await device.page.getByRole("heading", { name: "Tidemark" }).waitFor();
    await device.page.close();
    proxy.close();
  });

  test("an expired token asks for sign-in, and unsynced work stays", async () => {
    await a.page.evaluate((expired) => localStorage.setItem("tidemark-token", expired), token("Anna", { exp: 1 }));
    await a.page.reload();
    await a.page.getByText("Your sign-in has expired").waitFor();
    await a.create("customer", { Name: name, Company: "unsynced" });
    await a.unsynced(1);
    await a.kept(name);
    await a.page.reload();
    await a.entry(name).waitFor();
    await a.unsynced(1);
    await a.page.getByRole("button", { name: "Sign in again as Anna" }).click();
    await a.synced();
    await a.page.getByText("Your sign-in has expired").waitFor({ state: "detached" });
    await b.entry(name).waitFor();
  });

  test("a link that is no URL shows the app, and a name of any kind is only text", async () => {
    const hostile = `${name} <img src=x onerror="document.title='run'"> ${"long".repeat(2_500)}`;
    await a.create("customer", { Name: hostile, Company: "\u202e moc.live" });
    await a.synced();
    await a.page.setViewportSize({ width: 360, height: 640 });
    await a.page.goto(`${door.url}/#/customers/100%`);
    await a.page.getByText("This customer is not on this device").waitFor();
    await a.page.getByRole("link", { name: "‹ Customers" }).click();
    await a.choose(name);
    assert.equal(await a.field("Name").inputValue(), hostile);
    const seen = () => ({ title: document.title, tooWide: document.documentElement.scrollWidth - innerWidth, top: document.querySelector(".fields").getBoundingClientRect().top < innerHeight });
    assert.deepEqual(await a.page.evaluate(seen), { title: "Tidemark", tooWide: 0, top: true });
  });

  test("the page shows why the server rejects a row, and syncs when the row is mended", async () => {
    await a.go("Products");
    await a.create("product", { Title: name });
    await a.fill("Title", name + "x".repeat(900_000));
    await a.page.getByRole("alert").filter({ hasText: "larger than 900000 bytes" }).waitFor();
    await a.unsynced(1);
    await a.fill("Title", `${name} mended`);
    await a.synced();
    await a.page.getByRole("alert").waitFor({ state: "detached" });
    await b.go("Products");
    await b.entry(`${name} mended`).waitFor();
  });

  test("two tabs of one browser are two devices", async () => {
    await a.create("customer", { Name: name, Company: "" });
    const first = a.page;
    await a.open();
    await a.entry(name).waitFor();
    await a.choose(name);
    await a.fill("Company", "second tab");
    await first.locator(".list li a", { hasText: "second tab" }).waitFor();
  });
});
