// Devices for the tests of the demo. Each is a browser profile of its own in one Chromium.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, afterEach, before, describe } from "node:test";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";
import { doors, root } from "../doors.mjs";

const executablePath = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"].find(existsSync);
const flags = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const patience = 600_000; // ms; long enough for a loaded machine

/** Why the tests of the demo cannot run, or false. */
export const skip =
  (!executablePath && "there is no Chromium: run e2e/web/chromium.sh") ||
  (!existsSync(path.join(root, "web/dist/index.html")) && "there is no web/dist: run make build");

/** Both hosts in development mode, by name. */
const hosts = Object.entries(doors).map(([name, open]) => [name, () => Object.assign(open(), { dev: true })]);

/** A Browser opens devices, and collects the errors of their pages. */
export class Browser {
  faults = [];
  devices = [];

  async start() {
    this.chromium = await chromium.launch({ executablePath, args: flags, timeout: patience });
    return this;
  }

  async device(url, name, options = {}) {
    const context = await this.chromium.newContext({ viewport: { width: 1200, height: 800 }, ...options });
    context.setDefaultTimeout(patience);
    const device = new Device(this, url, name, context);
    this.devices.push(device);
    await device.open();
    return device;
  }

  /** Returns the text that every device shows, for the report of a failure. */
  async describe() {
    const shown = this.devices.map(async ({ name, page }) => `${name}: ${await page.locator("body").innerText().catch(() => "closed")}`);
    return [...(await Promise.all(shown)), ...this.faults].join("\n");
  }

  async forget() {
    await Promise.all(this.devices.map(({ context }) => context.close()));
    this.devices = [];
    this.faults = [];
  }

  close() {
    return this.chromium.close();
  }
}

export class Device {
  constructor(browser, url, name, context) {
    Object.assign(this, { browser, url, name, context });
  }

  /** Opens the app in a new window. */
  async open(hash = "") {
    this.page = await this.context.newPage();
    this.page.on("pageerror", (error) => this.browser.faults.push(`${this.name}: ${error.stack}`));
    this.page.on("console", (message) => {
      if (/Content Security Policy|Refused to/.test(message.text())) this.browser.faults.push(`${this.name}: ${message.text()}`);
    });
    await this.page.goto(`${this.url}/${hash}`);
    return this;
  }

  async signIn() {
    await this.page.getByLabel("Your name").fill(this.name);
    await this.page.getByRole("button", { name: "Sign in" }).click();
    await this.page.getByRole("heading", { level: 1, name: "Customers" }).waitFor();
    await this.synced();
    return this;
  }

  /** Waits until the chip shows no unsynced changes. */
  async synced() {
    await this.page.locator('.bar .chip.on[data-unsynced="0"]').waitFor();
  }

  /** Waits until the chip shows this many unsynced changes. */
  async unsynced(count) {
    await this.page.locator(`.bar .chip[data-unsynced="${count}"]`).waitFor();
  }

  /** Waits until the app can open without a network. */
  async installed() {
    await this.page.evaluate(async () => void (await navigator.serviceWorker.ready));
  }

  /** Waits until a text is in the databases on the device's disk. LokiJS writes it some time after the edit. */
  async kept(text) {
    const isKept = () => this.page.evaluate(async (text) => {
      const done = (request) => new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      for (const { name } of await indexedDB.databases()) {
        const db = await done(indexedDB.open(name));
        const stores = [...db.objectStoreNames];
        const all = stores.length > 0 ? stores.map((store) => done(db.transaction(store).objectStore(store).getAll())) : [];
        const found = JSON.stringify(await Promise.all(all)).includes(text);
        db.close();
        if (found) return true;
      }
      return false;
    }, text);
    for (const end = Date.now() + patience; !(await isKept()); await sleep(50)) {
      assert.ok(Date.now() < end, `${this.name} has not kept: ${text}`);
    }
  }

  go(page) {
    return this.page.getByRole("navigation").getByRole("link", { name: page }).click();
  }

  async openSpaces() {
    await this.page.getByRole("button", { name: "Space:" }).click();
    return this.page.getByRole("dialog");
  }

  /** Goes to a space by the list of all, and waits until the page shows it. */
  async openSpace(title) {
    await (await this.openSpaces()).getByRole("link", { name: title }).click();
    await this.inSpace(title);
  }

  /** Waits until the page shows a space and its list. */
  async inSpace(title) {
    await this.page.getByRole("button", { name: `Space: ${title}.` }).waitFor();
    await this.page.locator(".list h1").waitFor();
  }

  /** Creates a team, which the page then shows. */
  async createTeam(name) {
    const dialog = await this.openSpaces();
    await dialog.getByLabel("New team").fill(name);
    await dialog.getByRole("button", { name: "Create team" }).click();
    await this.inSpace(name);
  }

  async signOut(choice) {
    await this.page.getByRole("button", { name: "Sign out" }).click();
    const dialog = this.page.getByRole("dialog");
    if (choice) await dialog.getByLabel(choice).check();
    await dialog.getByRole("button", { name: "Sign out" }).click();
    await this.page.getByRole("heading", { name: "Tidemark" }).waitFor();
  }

  async create(kind, fields) {
    await this.page.getByRole("button", { name: `New ${kind}` }).click();
    const dialog = this.page.getByRole("dialog");
    for (const [label, value] of Object.entries(fields)) await dialog.getByLabel(label, { exact: true }).fill(value);
    await dialog.getByRole("button", { name: "Create" }).click();
    await dialog.waitFor({ state: "detached" });
  }

  /** The entry of a list. */
  entry(text) {
    return this.page.locator(".list li a", { hasText: text });
  }

  async choose(text) {
    await this.entry(text).click();
    await this.page.locator("article").waitFor();
  }

  field(label) {
    return this.page.locator(".fields").getByLabel(label, { exact: true });
  }

  /** Fills a field of the record that is shown, and leaves it. */
  async fill(label, value) {
    await this.field(label).fill(value);
    await this.field(label).blur();
  }

  async delete() {
    await this.page.getByRole("button", { name: "Delete" }).click();
    await this.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  }

  /** The rich text of the record that is shown. */
  get note() {
    return this.page.locator(".tm-text");
  }

  /** Waits until the rich text is what the server has. */
  async joined() {
    await this.page.locator('.present[data-synced="true"]').waitFor({ state: "attached" }); // invisible while there are no others
  }

  /** Types at the end of the rich text. */
  async type(text) {
    await this.note.click();
    await this.page.keyboard.press("Control+End");
    await this.page.keyboard.type(text);
  }

  /** Waits until the rich text has all of these. */
  async reads(...texts) {
    for (const text of texts) await this.note.filter({ hasText: text }).waitFor();
  }

  offline(offline) {
    return this.context.setOffline(offline);
  }
}

// onHost describes tests that run on one host: both send the same app (door.test.mjs) and
// serve it alike (../conformance). With EVERY_HOST they run on both. body gets the door and
// the browser, which are open before its first hook.
export function onHost(only, title, body) {
  for (const [host, open] of hosts.filter(([name]) => name === only || process.env.EVERY_HOST)) {
    describe(`${title} on ${host}`, { skip, timeout: 1_200_000 }, () => {
      const door = open();
      const browser = new Browser();
      before(async () => {
        await door.start();
        await browser.start();
      });
      after(async () => {
        await browser.close();
        await door.close();
      });
      afterEach(async (t) => {
        if (t.error) console.error(await browser.describe());
        const faults = browser.faults;
        await browser.forget();
        assert.deepEqual(faults, [], "no errors in the page, and the content security policy holds");
      });
      body(door, browser);
    });
  }
}
