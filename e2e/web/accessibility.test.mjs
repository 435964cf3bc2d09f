// Every page of the demo, light and dark, wide and narrow: axe finds no serious fault,
// nothing is cut off, and the keyboard is enough. It runs on one host, as both send the
// same files. With SCREENSHOTS=DIR it writes pictures there.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { doors } from "../doors.mjs";
import { Browser, skip } from "./browser.mjs";
import { engine } from "./rest.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictures = process.env.SCREENSHOTS;

const sizes = { wide: { width: 1200, height: 800 }, narrow: { width: 390, height: 760 } };

describe("the demo can be used by everyone", { skip, timeout: 1_200_000 }, () => {
  const door = Object.assign(doors.wazero(), { dev: true });
  const browser = new Browser();
  before(async () => {
    await door.start();
    await browser.start();
    const anna = await (await browser.device(door.url, "Anna")).signIn();
    for (const [name, company] of [["Grace Hopper", "Eckert–Mauchly"], ["Konrad Zuse", "Zuse KG"], ["Ada Lovelace", "Analytical Engines"]]) {
      await anna.create("customer", { Name: name, Company: company });
    }
    await anna.joined();
    await anna.type("She wrote the first program.");
    await anna.go("Products");
    await anna.create("product", { Title: "Difference engine", Price: "17470", Discount: "470" });
    await engine(door, "Anna");
    await anna.go("Customers");
    await anna.choose("Ada Lovelace"); // stays there, to be seen
  });
  after(async () => {
    await browser.close();
    await door.close();
  });

  async function check(device, page, look) {
    if (pictures) await device.page.screenshot({ path: path.join(pictures, `${page}-${look}.png`) });
    await device.page.evaluate(axe);
    const { violations } = await device.page.evaluate(() => globalThis.axe.run());
    const serious = violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${page}: ${id}: ${nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`).join("\n")}`);
    assert.deepEqual(serious, []);
    const [wanted, given] = await device.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wanted <= given, `${page} is ${wanted} wide in a window of ${given}`);
  }

  for (const colorScheme of ["light", "dark"]) {
    for (const [size, viewport] of Object.entries(sizes)) {
      const look = `${colorScheme}-${size}`;
      test(`${look}: axe finds no serious fault on any page`, async () => {
        const device = await browser.device(door.url, "Bert", { viewport, colorScheme });
        const { page } = device;
        await page.getByLabel("Your name").waitFor();
        await check(device, "sign-in", look);
        await device.signIn();
        await device.entry("Zuse").waitFor();
        await check(device, "customers", look);
        await page.getByRole("button", { name: "New customer" }).click();
        await page.getByRole("dialog").waitFor(); // its file loads now
        await check(device, "new", look);
        await page.keyboard.press("Escape");
        await device.choose("Ada Lovelace");
        await device.reads("She wrote the first program.");
        await page.locator(".present li", { hasText: "Anna" }).waitFor();
        await check(device, "customer", look);
        await page.getByRole("button", { name: "Sync inspector" }).click();
        await page.getByText("both sides have the same").waitFor();
        await check(device, "inspector", look);
        await page.keyboard.press("Escape");
        await page.goto(`${door.url}/#/products`);
        await device.choose("Difference engine");
        await device.note.waitFor();
        await check(device, "product", look);
        await page.goto(`${door.url}/#/projects`);
        await page.getByRole("heading", { name: "Projects" }).waitFor();
        await check(device, "projects", look);
        const team = "team-x1.".repeat(8);
        await page.goto(`${door.url}/#/join/${team}`);
        await page.getByRole("button", { name: "Join as Bert" }).waitFor();
        await check(device, "join", look);
        await page.getByRole("button", { name: "Join as Bert" }).click();
        await device.inSpace(team);
        await (await device.openSpaces()).getByLabel("New team").waitFor();
        await check(device, "spaces", look);
      });
    }
  }

  for (const [size, viewport] of Object.entries({ ...sizes, narrowest: { width: 320, height: 640 } })) {
    for (const colorScheme of ["light", "dark"]) {
      test(`${colorScheme}-${size}: axe finds no serious fault in a project`, async () => {
        const device = await (await browser.device(door.url, "Anna", { viewport, colorScheme })).signIn();
        await device.page.goto(`${door.url}/#/projects`);
        await device.choose("Analytical engine");
        await device.page.locator(".rows select").first().waitFor();
        await device.page.locator(".timeline-arrow").first().waitFor();
        await check(device, "project", `${colorScheme}-${size}`);
      });
    }
  }

  test("a customer is made, edited and deleted with the keyboard alone", async () => {
    const device = await browser.device(door.url, "Carl");
    const { page } = device;
    const keyboard = page.keyboard;
    const tabTo = async (name) => {
      for (let i = 0; i < 60; i++) {
        const label = await page.evaluate(() => {
          const { activeElement: e } = document;
          return e.getAttribute("aria-label") ?? e.labels?.[0]?.innerText ?? e.innerText;
        });
        if (label.trim().startsWith(name)) return;
        await keyboard.press("Tab");
      }
      assert.fail(`the tab key does not reach ${name}`);
    };
    await page.getByLabel("Your name").waitFor();
    await tabTo("Your name");
    await keyboard.type("Carl");
    await keyboard.press("Enter");
    await page.getByRole("heading", { name: "Customers" }).waitFor();
    await tabTo("New customer");
    await keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await tabTo("Name");
    await keyboard.type("Zed");
    await tabTo("Company");
    await keyboard.type("Keys");
    await keyboard.press("Enter");
    await device.entry("Zed").filter({ hasText: "Keys" }).waitFor();
    await device.joined();
    await device.note.waitFor();
    await tabTo("Company");
    await keyboard.type("board"); // tabbing into a field selects it
    await tabTo("Notes");
    await keyboard.type("by hand");
    await device.reads("by hand");
    await device.entry("board").waitFor();
    await keyboard.press("Escape");
    await page.locator(".detail .quiet").focus();
    await keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await tabTo("Delete");
    await keyboard.press("Enter");
    await device.entry("Zed").waitFor({ state: "detached" });
  });
});
