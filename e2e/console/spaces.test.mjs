// The spaces of the console: search, info, pause, export, import and deletion; and who may do what.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as Y from "yjs";
import { token } from "../doors.mjs";
import { asked, check, everywhere, forbidden, looks, onHosts, openConsole, operator, reader, said, tabTo, writer } from "./operator.mjs";

/** Makes a space with rows and a document, without the console. */
async function make(door, name, rows = 3) {
  const ask = asked(door);
  const created = Array.from({ length: rows }, (_, i) => ({ id: `${name}-${i}`, contact_name: `Person ${i}`, company_name: name, created_at: 1, updated_at: 1 }));
  await ask("POST", `/s/${name}/trpc/sync.push`, { lastPulledAt: 1, changes: { customers: { created, updated: [], deleted: [] } } });
  const doc = new Y.Doc();
  doc.getText("body").insert(0, `The text of ${name}.`);
  await ask("POST", `/s/${name}/yjs/letter`, Y.encodeStateAsUpdate(doc));
}

const status = async (door, path, claims = operator) => (await fetch(door.url + path, { headers: { authorization: `Bearer ${token("script", claims)}` } })).status;

async function openSpace(page, name) {
  await page.getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { level: 2, name }).waitFor();
  await page.getByRole("button", { name: "Export" }).waitFor();
}

onHosts("the console's spaces", (door, browser, logged) => {
  test("are searched by the start of a name, page by page, and each has its info", async () => {
    for (let i = 0; i < 27; i++) await asked(door)("POST", `/s/many-${i}/trpc/sync.push`, { lastPulledAt: 1, changes: { customers: { created: [{ id: "c", created_at: 1, updated_at: 1 }], updated: [], deleted: [] } } });
    await make(door, "info-a", 4);
    const page = await openConsole(browser, door, operator, "#/spaces");
    const names = page.getByRole("table", { name: "Spaces, by name" }).getByRole("row");
    await page.getByLabel("Spaces, by the start of their name").fill("many-");
    const pages = page.getByRole("navigation", { name: "More spaces" });
    await page.getByRole("link", { name: "many-7", exact: true }).waitFor(); // not among the first 25 of all spaces
    await pages.getByText("Page 1").waitFor();
    assert.equal(await names.count(), 26, "25 and the head");
    await pages.getByRole("button", { name: "Next" }).click();
    await pages.getByText("Page 2").waitFor();
    await page.getByRole("link", { name: "many-9", exact: true }).waitFor();
    assert.equal(await names.count(), 3);
    await pages.getByRole("button", { name: "Previous" }).click();
    await page.getByRole("link", { name: "many-0", exact: true }).waitFor();
    await page.getByLabel("Spaces, by the start of their name").fill("nothing-");
    await page.getByText("No space has a name that starts like this.").waitFor();
    await page.getByLabel("Spaces, by the start of their name").fill("info");
    await openSpace(page, "info-a");
    await page.getByRole("row", { name: "customers 4 0" }).waitFor();
    const info = await asked(door)("GET", "/s/info-a/info");
    await page.getByText(String(info.stamp)).waitFor();
    await page.getByRole("link", { name: "rows of info-a" }).click();
    await page.getByRole("button", { name: "Rows of the space info-a" }).waitFor();
  });

  test("a space is paused and resumed, and the log says who did it", async () => {
    await make(door, "calm");
    const page = await openConsole(browser, door, operator, "#/spaces/calm");
    await page.getByRole("button", { name: "Pause…" }).click();
    const dialog = page.getByRole("dialog", { name: "Pause the space calm?" });
    await dialog.getByRole("button", { name: "Cancel" }).click();
    assert.equal(await status(door, "/s/calm/sync/pull"), 200, "who cancels changes nothing");
    await page.getByRole("button", { name: "Pause…" }).click();
    await dialog.getByRole("button", { name: "Pause" }).click();
    await logged("space.pause", await said(page, "The space calm is paused."));
    await page.getByText("Requests get 503 until the space is resumed.").waitFor();
    assert.equal(await status(door, "/s/calm/sync/pull"), 503);
    await page.getByRole("button", { name: "Resume…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
    await logged("space.resume", await said(page, "The space calm is resumed."));
    assert.equal(await status(door, "/s/calm/sync/pull"), 200);
  });

  test("the page says how a change ended whose dialog was closed before", async () => {
    await make(door, "slow");
    const page = await openConsole(browser, door, operator, "#/spaces/slow");
    let answer;
    const asked = new Promise((resolve) => page.route("**/s/slow/pause", (route) => {
      answer = () => route.fulfill({ status: 503, headers: { "x-request-id": "r-slow" }, json: { error: { code: "UNAVAILABLE", message: "Not now" } } });
      resolve();
    }));
    await page.getByRole("button", { name: "Pause…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
    await asked;
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Delete…" }).click();
    await answer();
    assert.equal(await said(page, "“Pause the space slow?” failed: Not now"), "r-slow");
    await page.getByRole("dialog", { name: "Delete the space slow?" }).waitFor(); // stays
  });

  test("an export goes on behind the page that failed", async () => {
    await make(door, "two-pages");
    const page = await openConsole(browser, door, operator, "#/spaces/two-pages");
    const pages = ['{"format":1,"space":"two-pages","stamp":1,"export":"e"}\n{"next":"second"}\n', '{"page":2,"export":"e"}\n{"next":null}\n'];
    const got = [];
    let works = false;
    await page.route("**/s/two-pages/export*", (route) => {
      const cursor = new URL(route.request().url()).searchParams.get("cursor");
      got.push(cursor);
      if (cursor !== null && !works) return route.fulfill({ status: 400, json: { error: { code: "BAD_REQUEST", message: "The second page fails" } } });
      return route.fulfill({ body: pages[cursor === null ? 0 : 1] });
    });
    await page.getByRole("button", { name: "Export" }).click();
    await page.getByRole("alert").filter({ hasText: "The second page fails" }).waitFor();
    works = true;
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Try again" }).click()]);
    assert.equal(readFileSync(await download.path(), "utf8"), pages.join(""));
    assert.deepEqual(got, [null, "second", "second"]);
  });

  test("a space is exported to a file, and imported into another one, which has the same", async () => {
    await make(door, "origin", 2500);
    const page = await openConsole(browser, door, operator, "#/spaces/origin");
    const loading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export" }).click();
    const download = await loading;
    assert.match(download.suggestedFilename(), /^tidemark-origin-\d{4}-\d\d-\d\d\.ndjson$/);
    const file = path.join(door.dir, "origin.ndjson");
    await download.saveAs(file);
    await said(page, "The space origin is exported");
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    assert.equal(lines.filter((line) => line.startsWith('{"row":')).length, 2500);
    assert.equal(lines.at(-1), '{"next":null}');

    await page.getByRole("link", { name: "All spaces" }).click();
    await page.getByRole("button", { name: "Import a space…" }).click();
    const dialog = page.getByRole("dialog", { name: "Import a space" });
    await dialog.getByLabel("The name of the new space").fill("copy");
    await dialog.getByLabel("A file of an export").setInputFiles(file);
    await dialog.getByRole("button", { name: "Import" }).click();
    await logged("transfer.import", await said(page, "origin.ndjson is imported into the space copy: "));
    const checksum = (space) => asked(door)("GET", `/s/${space}/sync/checksum`);
    const [{ tables: before }, { tables: after }] = [await checksum("origin"), await checksum("copy")];
    assert.equal(after.customers.count, 2500);
    assert.deepEqual(after, before);
    const { rooms } = await asked(door)("GET", "/s/copy/yjs/");
    assert.deepEqual(rooms.map(({ room }) => room), ["letter"]);

    await page.getByRole("button", { name: "Import a space…" }).click();
    await dialog.getByLabel("The name of the new space").fill("calm-2");
    await dialog.getByLabel("A file of an export").setInputFiles(file);
    await make(door, "calm-2"); // meanwhile it has something
    await dialog.getByRole("button", { name: "Import" }).click();
    await dialog.getByRole("alert").filter({ hasText: /Request \S+/ }).waitFor();
    const cut = path.join(door.dir, "cut.ndjson");
    writeFileSync(cut, `${lines.slice(0, 5).join("\n")}\n`);
    await dialog.getByLabel("The name of the new space").fill("cut");
    await dialog.getByLabel("A file of an export").setInputFiles(cut);
    await dialog.getByRole("button", { name: "Import" }).click();
    await dialog.getByRole("alert").waitFor();
  });

  test("the root is exported", async () => {
    const page = await openConsole(browser, door, operator, "#/spaces");
    const loading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export" }).click();
    const text = readFileSync(await (await loading).path(), "utf8");
    assert.match(text, /^\{"format":1,"space":"",/);
    await said(page, "The root is exported");
  });

  test("a space is deleted when its name is typed, and not otherwise", async () => {
    await make(door, "doomed");
    const page = await openConsole(browser, door, operator, "#/spaces/doomed");
    await page.getByRole("button", { name: "Delete…" }).click();
    const dialog = page.getByRole("dialog", { name: "Delete the space doomed?" });
    await dialog.getByText("This deletes 3 rows, 1 document with their versions").waitFor();
    await dialog.getByLabel("Type doomed to confirm").fill("doome");
    await dialog.getByRole("button", { name: "Delete" }).click();
    await dialog.getByRole("alert").filter({ hasText: "This is not the name" }).waitFor();
    assert.notEqual((await asked(door)("GET", "/s/doomed/info")).created_at, null);
    await dialog.getByLabel("Type doomed to confirm").fill("doomed");
    await dialog.getByRole("button", { name: "Delete" }).click();
    await logged("space.delete", await said(page, "The space doomed is deleted."));
    await page.getByRole("heading", { level: 1, name: "Spaces" }).waitFor();
    assert.equal((await asked(door)("GET", "/s/doomed/info")).created_at, null);
  });

  test("a space is deleted with the keyboard alone", async () => {
    await make(door, "keys");
    const page = await openConsole(browser, door, operator, "#/spaces/keys");
    await page.getByRole("button", { name: "Delete…" }).waitFor();
    await tabTo(page, "Delete…");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await tabTo(page, "Type keys");
    await page.keyboard.type("keys");
    await page.keyboard.press("Enter");
    await said(page, "The space keys is deleted.");
  });

  test("a token that only reads sees a space without a button that changes it, and the server agrees", async () => {
    await make(door, "seen");
    const page = await openConsole(browser, door, reader, "#/spaces");
    await page.getByText("This page needs the permission spaces:admin").waitFor();
    await page.evaluate(() => void (location.hash = "#/spaces/seen"));
    await page.getByRole("row", { name: "customers 3 0" }).waitFor();
    for (const name of ["Pause…", "Resume…", "Delete…", "Import a space…"]) assert.equal(await page.getByRole("button", { name }).count(), 0, name);
    await forbidden(page, reader, ["GET /spaces", "POST /s/seen/pause", "POST /s/seen/resume", "DELETE /s/seen"]);
    await forbidden(page, writer, ["GET /spaces", "GET /s/seen/info", "GET /export", "GET /s/seen/export", "POST /s/new/import", "POST /s/seen/pause", "POST /s/seen/resume", "DELETE /s/seen"]);
    await forbidden(page, { ...operator, spaces: ["", "other"] }, ["GET /s/seen/info", "DELETE /s/seen", "GET /s/seen/export"]);
    const other = await openConsole(browser, door, { scope: "spaces:admin", spaces: everywhere }, "#/spaces/seen");
    await other.getByText("This page needs the permission sync:admin").waitFor();
  });

  for (const { look, ...options } of looks) {
    test(`are for everyone: ${look}`, async () => {
      await make(door, "look");
      const page = await openConsole(browser, door, operator, "#/spaces", options);
      await page.getByRole("link", { name: "look", exact: true }).waitFor();
      await check(page, "spaces", look);
      await page.getByRole("button", { name: "Import a space…" }).click();
      await page.getByRole("dialog").waitFor();
      await check(page, "import", look);
      await page.keyboard.press("Escape");
      await openSpace(page, "look");
      await check(page, "space", look);
      await page.getByRole("button", { name: "Delete…" }).click();
      await page.getByRole("dialog").waitFor();
      await check(page, "delete", look);
    });
  }
});
