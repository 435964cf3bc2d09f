// What the demo shows when the server rejects rows of a push by themselves. The tables of the
// demo have no checks and no rules, so the test answers the push in the server's place.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { onHost } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const reason = "it is longer than 20 UTF-16 units";

onHost("wazero", "rejected rows", (door, browser) => {
  let device, pushes, answers;

  // reject answers each push in the server's place: it rejects all its customers. The pull that
  // follows brings all rows that the server has, and deletes the new ones.
  async function reject() {
    [pushes, answers] = [0, 0];
    let owed; // the ids of new customers
    await device.page.route("**/trpc/sync.push*", async (route) => {
      pushes++;
      const { changes, lastPulledAt } = route.request().postDataJSON();
      const { created, updated } = changes.customers;
      owed = created.map(({ id }) => id);
      const customers = [...created, ...updated].map(({ id }) => ({ id, column: "contact_name", reason }));
      const data = { timestamp: lastPulledAt, applied: {}, superseded: {}, ignored: {}, rejected: { customers } };
      await route.fulfill({ json: { result: { data } } });
    });
    await device.page.route("**/trpc/sync.pull*", async (route) => {
      if (owed === undefined) return route.continue();
      const url = new URL(route.request().url());
      url.searchParams.set("input", JSON.stringify({ ...JSON.parse(url.searchParams.get("input")), lastPulledAt: null }));
      const response = await route.fetch({ url: url.href });
      const json = await response.json();
      json.result.data.changes.customers.deleted.push(...owed);
      owed = undefined;
      answers++;
      await route.fulfill({ response, json });
    });
  }

  test("the page says which and why, shows the server's row, and keeps the notice until it is dismissed", async () => {
    device = await browser.device(door.url, "Anna", { serviceWorkers: "block" });
    await device.signIn();
    await device.create("customer", { Name: "Ada", Company: "Engines" });
    await device.synced();
    await reject();

    await device.choose("Ada");
    await device.fill("Name", "Augusta Ada King, Countess of Lovelace");
    const { page } = device;
    const notice = page.getByRole("region", { name: "Rejected changes" });
    const alert = notice.getByRole("alert");
    await alert.filter({ hasText: `The server did not take 1 change:customers, contact_name: ${reason}` }).waitFor();
    await device.entry("Augusta").waitFor({ state: "detached" });
    await page.locator('.fields input[value="Ada"]').waitFor();
    await device.synced();
    assert.deepEqual([pushes, answers], [1, 1]);

    await page.setViewportSize({ width: 360, height: 640 });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run(".rejected"));
    assert.deepEqual(violations.map(({ id }) => id), []);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
    await page.setViewportSize({ width: 1200, height: 800 });

    await page.unrouteAll({ behavior: "wait" });
    await device.fill("Company", "Analytical Engines"); // which the server takes
    await device.entry("Analytical Engines").waitFor();
    await device.synced();
    await device.createTeam("elsewhere");
    await alert.filter({ hasText: "Everyone: customers, contact_name:" }).waitFor();

    await notice.getByRole("button", { name: "Dismiss" }).click();
    await notice.waitFor({ state: "detached" });
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  });

  test("the notice counts the rejections of several pushes, and shows five", async () => {
    device = await browser.device(door.url, "Bert", { serviceWorkers: "block" });
    await device.signIn();
    await reject();
    for (let n = 1; n <= 7; n++) await device.create("customer", { Name: `Number ${n}`, Company: "" });
    const alert = device.page.getByRole("region", { name: "Rejected changes" }).getByRole("alert");
    await alert.filter({ hasText: "The server did not take 7 changes:" }).filter({ hasText: "and 2 more" }).waitFor();
    assert.equal(await alert.getByText(reason).count(), 5);
    await device.entry("Number").first().waitFor({ state: "detached" });
    await device.synced();
    assert.equal(answers, pushes);
  });
});
