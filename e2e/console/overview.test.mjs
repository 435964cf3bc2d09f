// The overview of the console: figures and lines of a server that works, warnings in words, and who may see them.
import { test } from "node:test";
import assert from "node:assert/strict";
import { until } from "../until.mjs";
import { asked, check, forbidden, looks, onHosts, openConsole, operator, tabTo, writer } from "./operator.mjs";

const figure = (page, name) => page.locator(".figure").filter({ has: page.getByText(name, { exact: true }) });
const number = async (page, name) => Number((await figure(page, name).locator("dd").evaluate((dd) => dd.firstChild.data)).replaceAll(",", ""));

const warnings = [
  { code: "no_backup", text: "There has been no backup for 3 days." },
  { code: "space_full", text: "The space acme is at 93 % of its limit.", space: "acme" },
  { code: "copy_failed", text: "The copy of the room notes/7 in the space acme failed 5 times.", space: "acme", room: "notes/7" },
];

onHosts("the console's overview", (door, browser) => {
  test("shows the figures of the server while it works, and says the same as the route", async () => {
    const page = await openConsole(browser, door);
    await page.getByRole("heading", { level: 2, name: "Requests" }).waitFor();
    const before = await number(page, "Requests");
    await until(async () => (await number(page, "Requests")) > before, "more requests, without a reload");
    assert.ok((await number(page, "Sockets")) >= 0);
    const overview = await asked(door)("GET", "/overview");
    const server = page.getByRole("region", { name: "Server" });
    await server.getByText(overview.server.version, { exact: true }).waitFor();
    await server.getByText(overview.server.host === "workers" ? "Cloudflare Workers" : "its own machine").waitFor();
    assert.equal(await page.locator(".plot canvas").count(), 4);
    for (const { text } of overview.warnings) await page.getByRole("region", { name: "Warnings" }).getByText(text).waitFor();
    assert.equal(await figure(page, "Last backup").count(), overview.backup === null ? 0 : 1);
  });

  test("has the numbers of each chart in a table, which the keyboard opens", async () => {
    const page = await openConsole(browser, door);
    await page.getByRole("heading", { level: 2, name: "Requests" }).waitFor();
    const table = page.getByRole("table", { name: "Requests a minute, the newest first" });
    assert.equal(await table.isVisible(), false);
    await tabTo(page, "Numbers");
    await page.keyboard.press("Enter");
    await table.waitFor();
    const cells = await table.getByRole("row").nth(1).getByRole("cell").allInnerTexts();
    assert.match(cells[0], /^\d{4}-\d\d-\d\d \d\d:\d\d$/);
    assert.equal(cells.length, 4);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Numbers: Requests a minute", "the table is scrolled with the keyboard");
  });

  test("asks again every few seconds, and not while nobody sees the page", async () => {
    const { page } = await browser.device(`${door.url}/console`, "ops");
    let asks = 0;
    page.on("request", (request) => request.url().endsWith("/overview") && asks++);
    await page.clock.install();
    await page.getByRole("button", { name: "Sign in as a developer" }).click();
    await page.getByRole("heading", { level: 2, name: "Requests" }).waitFor();
    const answered = () => page.waitForResponse((response) => response.url().endsWith("/overview"));
    const see = (state) => page.evaluate((state) => {
      Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
    const second = answered();
    await page.clock.runFor(6000);
    await second;
    await see("hidden");
    const hidden = asks;
    await page.clock.runFor(120_000);
    assert.equal(asks, hidden);
    const third = answered();
    await see("visible");
    await third;
  });

  test("warns in words, and leads to the space and the document", async () => {
    const real = await asked(door)("GET", "/overview");
    const { page } = await browser.device(`${door.url}/console`, "ops");
    await page.route("**/overview", (route) => route.fulfill({ json: { ...real, warnings } }));
    await page.getByRole("button", { name: "Sign in as a developer" }).click();
    const list = page.getByRole("region", { name: "Warnings" }).getByRole("listitem");
    await list.filter({ hasText: warnings[0].text }).waitFor();
    assert.equal(await list.count(), 3);
    const link = (i) => list.filter({ hasText: warnings[i].text }).getByRole("link");
    assert.equal(await link(1).getAttribute("href"), "#/spaces/acme");
    await link(2).click();
    await page.getByRole("region", { name: "Document notes/7" }).waitFor();
    await page.getByRole("button", { name: "Documents of the space acme" }).waitFor();
  });

  test("is for operators only", async () => {
    const page = await openConsole(browser, door, writer);
    await page.getByText("This page needs the permission sync:admin").waitFor();
    await forbidden(page, writer, ["GET /overview"]);
    await forbidden(page, { ...operator, spaces: ["acme"] }, ["GET /overview"]);
  });

  test("shows the server's error with the request's id, and goes on when the server does", async () => {
    const page = await openConsole(browser, door);
    await page.getByRole("heading", { level: 2, name: "Requests" }).waitFor();
    const error = { code: "SERVICE_UNAVAILABLE", message: "The database is out of reach" };
    await page.route("**/overview", (route) => route.fulfill({ status: 503, headers: { "x-request-id": "r-503" }, json: { error } }));
    const alert = page.getByRole("alert").filter({ hasText: error.message });
    await alert.filter({ hasText: "Request r-503" }).waitFor();
    await page.getByRole("heading", { level: 2, name: "Requests" }).waitFor(); // what was true stays
    await page.unroute("**/overview");
    await alert.getByRole("button", { name: "Try again" }).click();
    await alert.waitFor({ state: "detached" });
  });

  for (const { look, ...options } of looks) {
    test(`is for everyone: ${look}`, async () => {
      const page = await openConsole(browser, door, operator, "", options);
      await page.getByRole("heading", { level: 2, name: "Server" }).waitFor();
      await check(page, "overview", look);
    });
  }
});
