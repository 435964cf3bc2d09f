// The frame of the console: the sign-in, what a token may see, the way from place to place, and what it costs those
// who do not open it.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { root, token } from "../doors.mjs";
import { skip } from "../web/browser.mjs";
import { asked, check, everywhere, looks, onHosts, openConsole, operator, tabTo, writer } from "./operator.mjs";

const budget = 120_000; // bytes, compressed
const dist = path.join(root, "web/dist");
const files = () => ["console.html", ...readdirSync(path.join(dist, "assets/console")).map((file) => `assets/console/${file}`)];

test("all files of the console have at most 120 KB, compressed", { skip }, () => {
  const sizes = files().map((file) => [file, gzipSync(readFileSync(path.join(dist, file)), { level: 9 }).length]);
  const sum = sizes.reduce((sum, [, size]) => sum + size, 0);
  assert.ok(sum <= budget, `${sum} bytes: ${sizes.join(", ")}`);
});

onHosts("the console's frame", (door, browser) => {
  test("is one page, with the policy of the demo", async () => {
    const [console, demo] = await Promise.all(["/console", "/"].map((path) => fetch(door.url + path)));
    assert.equal(console.status, 200);
    assert.match(console.headers.get("content-type"), /^text\/html/);
    for (const name of ["content-security-policy", "x-frame-options", "referrer-policy", "cross-origin-opener-policy"]) {
      assert.equal(console.headers.get(name), demo.headers.get(name), name);
    }
    const html = await console.text();
    assert.doesNotMatch(html, /<script(?![^>]* src=)|<style|\son\w+=|\sstyle=/i, "no inline script or style");
    const scripts = html.match(/\/assets\/[^"]+/g);
    for (const script of scripts) assert.match((await fetch(door.url + script)).headers.get("cache-control"), /immutable/);
    const slash = await fetch(`${door.url}/console/`, { redirect: "manual" });
    assert.deepEqual([slash.status, slash.headers.get("location")], [307, "/console"]);
    assert.equal((await fetch(`${door.url}/console/nothing`)).status, 401, "all other paths are the Worker's");
  });

  test("is loaded and stored by nobody who opens the demo, and the demo's service worker does not serve it", async () => {
    const device = await browser.device(door.url, "Anna");
    const { page, context } = device;
    const loaded = [];
    context.on("request", (request) => loaded.push(new URL(request.url()).pathname));
    await page.reload();
    await device.signIn();
    await device.installed();
    const stored = await page.evaluate(async () => {
      const caches = await Promise.all((await globalThis.caches.keys()).map((name) => globalThis.caches.open(name)));
      return (await Promise.all(caches.map((cache) => cache.keys()))).flat().map(({ url }) => new URL(url).pathname);
    });
    assert.ok(stored.includes("/"));
    assert.deepEqual([...loaded, ...stored].filter((path) => /console/.test(path)), []);
    await page.goto(`${door.url}/console`);
    await page.getByLabel("An operator's token").waitFor();
    await device.offline(true);
    await assert.rejects(page.goto(`${door.url}/console`), /ERR_INTERNET_DISCONNECTED/);
  });

  test("takes a token, keeps it in this tab, and forgets it at the sign-out", async () => {
    const { page } = await browser.device(`${door.url}/console`, "ops");
    const box = page.getByLabel("An operator's token");
    const button = page.getByRole("button", { name: "Sign in", exact: true });
    for (const wrong of ["nonsense", token("ops", { ...operator, exp: 1 })]) {
      await box.fill(wrong);
      await button.click();
      await page.getByRole("alert").filter({ hasText: /Request \S+/ }).waitFor();
    }
    await box.fill(token("ops", operator));
    await button.click();
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    assert.deepEqual(await page.evaluate(() => Object.values(localStorage).filter((value) => value.includes("."))), [], "the token is in the tab only");
    await page.getByRole("button", { name: "Sign out" }).click();
    await box.waitFor();
    await page.reload();
    await box.waitFor();
  });

  test("signs a developer in as an operator, in development mode", async () => {
    const { page } = await browser.device(`${door.url}/console`, "ops");
    await page.getByRole("button", { name: "Sign in as a developer" }).click();
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    await page.getByRole("link", { name: "Spaces" }).click();
    await page.getByRole("heading", { level: 1, name: "Spaces" }).waitFor();
  });

  test("returns to the sign-in with the reason when the token is revoked", async () => {
    const page = await openConsole(browser, door, { ...operator, jti: "revoked-in-console" });
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    await asked(door)("POST", "/auth/revoke", { jti: "revoked-in-console" });
    // The overview asks again and again, and each instance hears of the revocation within half a minute.
    await page.getByRole("alert").filter({ hasText: /does not accept the token any more: .*revoked/ }).waitFor({ timeout: 300_000 });
    await page.getByLabel("An operator's token").waitFor();
  });

  test("says which permission a token lacks, and which place it does not reach", async () => {
    const page = await openConsole(browser, door, writer);
    const lacking = page.getByRole("region", { name: "Missing permission" });
    for (const name of ["Overview", "Rows", "Documents", "Projects"]) {
      await page.getByRole("link", { name }).click();
      await page.getByRole("heading", { level: 1, name }).waitFor();
      await lacking.filter({ hasText: /needs the permission sync:admin, which the token does not have/ }).waitFor();
    }
    await page.getByRole("link", { name: "Spaces" }).click();
    await lacking.filter({ hasText: "spaces:admin" }).waitFor();
    await check(page, "lacking", "light-wide");
    const narrow = await openConsole(browser, door, { ...operator, spaces: ["acme"] }, "#/s/acme/rows");
    await narrow.getByRole("button", { name: "Rows of the space acme" }).waitFor();
    await narrow.getByRole("link", { name: "Overview" }).click();
    await narrow.getByText("The token does not reach the root.").waitFor();
    await narrow.goto(`${door.url}/console#/s/other/rows`);
    await narrow.getByText("The token does not reach the space other.").waitFor();
  });

  test("asks for no place whose name a browser takes for a step to another path", async () => {
    const asked = [];
    const page = await openConsole(browser, door, operator, "#/s/busy/rows");
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    for (const hash of ["#/s/../rows", "#/s/%2e%2e/rows", "#/s/./rows", "#/spaces/.."]) {
      await page.goto(`${door.url}/console${hash}`);
      await page.getByRole("alert").filter({ hasText: "A browser cannot ask for a name that is one or two points." }).waitFor();
      await page.goto(`${door.url}/console#/s/busy/rows`);
      await page.getByRole("button", { name: "Rows of the space busy" }).waitFor();
    }
    assert.deepEqual(asked.filter((path) => path.startsWith("/sync/")), [], "the rows of the root are not asked for instead");
  });

  test("goes from place to place by the search, and keeps the place on other pages", async () => {
    const page = await openConsole(browser, door, operator, "#/rows");
    await page.getByRole("button", { name: "Rows of the root" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("A space").fill("bus");
    await dialog.getByRole("link", { name: "busy" }).click();
    await page.getByRole("button", { name: "Rows of the space busy" }).waitFor();
    await page.getByRole("link", { name: "Documents" }).click();
    await page.getByRole("button", { name: "Documents of the space busy" }).waitFor();
    assert.match(page.url(), /\/console#\/s\/busy\/documents$/);
    const other = await openConsole(browser, door, { ...operator, scope: "sync:admin", spaces: everywhere }, "#/rows");
    await other.getByRole("button", { name: "Rows of the root" }).click();
    await other.getByLabel("The name of a space").fill("busy"); // this token may not list spaces
    await other.keyboard.press("Enter");
    await other.getByRole("button", { name: "Rows of the space busy" }).waitFor();
  });

  test("is used with the keyboard alone", async () => {
    const { page } = await browser.device(`${door.url}/console`, "ops");
    await page.getByLabel("An operator's token").waitFor();
    await tabTo(page, "An operator's token");
    await page.keyboard.insertText(token("ops", operator));
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    await tabTo(page, "Rows");
    await page.keyboard.press("Enter");
    await tabTo(page, "Rows of the root");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await tabTo(page, "A space");
    await page.keyboard.type("busy");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Rows of the space busy" }).waitFor();
  });

  for (const { look, ...options } of looks) {
    test(`the sign-in is for everyone: ${look}`, async () => {
      const { page } = await browser.device(`${door.url}/console`, "ops", options);
      await page.getByRole("button", { name: "Sign in as a developer" }).waitFor();
      await check(page, "sign-in", look);
    });
  }
});
