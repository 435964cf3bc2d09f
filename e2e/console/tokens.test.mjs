// The tokens of the console: one is made and shown once, none allows more than its maker's, and they are revoked.
import { test } from "node:test";
import assert from "node:assert/strict";
import { until } from "../until.mjs";
import { check, everywhere, forbidden, looks, onHosts, openConsole, operator, reader, said, writer } from "./operator.mjs";

const may = async (door, token, path) => (await fetch(door.url + path, { headers: { authorization: `Bearer ${token}` } })).status;

async function fill(page, subject, more = {}) {
  await page.getByLabel("Subject", { exact: true }).fill(subject);
  for (const [label, value] of Object.entries(more)) await page.getByLabel(label, { exact: true }).fill(value);
}

async function make(page) {
  await page.getByRole("button", { name: "Make a token…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Make" }).click();
}

onHosts("the console's tokens", (door, browser, logged) => {
  test("one is made for chosen scopes, spaces and rooms, and is shown once", async () => {
    const page = await openConsole(browser, door, operator, "#/tokens", { permissions: ["clipboard-read", "clipboard-write"] });
    for (const scope of ["sync:write", "projects:read", "projects:write", "yjs:write"]) await page.getByLabel(scope).uncheck();
    await page.getByLabel("The root").uncheck();
    await fill(page, "anna", { Spaces: "busy team-*", "Rooms of documents": "notes-*" });
    await page.getByRole("combobox", { name: "Life" }).selectOption("1 hour");
    await page.getByRole("button", { name: "Make a token…" }).click();
    const dialog = page.getByRole("dialog", { name: "Make a token for anna?" });
    for (const text of ["sync:read yjs:read", "busy, team-*", "notes-*", "1 hour"]) await dialog.getByText(text, { exact: true }).waitFor();
    await dialog.getByRole("button", { name: "Make" }).click();
    await logged("auth.token", await said(page, "A token for anna is made."));
    const made = page.getByRole("region", { name: "A token for anna" });
    const token = await made.getByLabel("The token").inputValue();
    await made.getByRole("button", { name: "Copy" }).click();
    await made.getByText("It is in the clipboard.").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), token);

    const { sub, exp, iat } = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
    assert.deepEqual([sub, exp - iat], ["anna", 3600]);
    assert.equal(await may(door, token, "/s/busy/sync/pull"), 200);
    assert.equal(await may(door, token, "/s/team-7/sync/pull"), 200);
    assert.equal(await may(door, token, "/s/other/sync/pull"), 403);
    assert.equal(await may(door, token, "/sync/pull"), 403, "the root is not among its places");
    assert.equal(await may(door, token, "/s/busy/yjs/load"), 403, "the room is not among its rooms");
    assert.equal(await may(door, token, "/s/busy/api/v1/projects/"), 403);

    const id = await made.locator("code").innerText();
    await page.getByRole("link", { name: "Overview" }).click();
    await page.getByRole("link", { name: "Tokens" }).click();
    await page.getByRole("heading", { level: 2, name: "Make a token" }).waitFor();
    assert.equal(await made.count(), 0, "it is shown once");
    assert.ok(!(await page.content()).includes(token));

    await page.getByRole("combobox", { name: "What" }).selectOption("The token with an id");
    await page.getByLabel("Subject or id").fill(id);
    await page.getByRole("button", { name: "Revoke…" }).click();
    await page.getByRole("dialog", { name: `Revoke the token ${id}?` }).getByRole("button", { name: "Revoke" }).click();
    await logged("auth.revoke", await said(page, `The server rejects the token ${id} within a minute.`));
    await until(async () => (await may(door, token, "/s/busy/sync/pull")) === 401, "every instance hears of the revocation, within half a minute");
  });

  test("the form says what is wrong before anything is sent", async () => {
    const page = await openConsole(browser, door, operator, "#/tokens");
    const ask = page.getByRole("button", { name: "Make a token…" });
    await fill(page, " ");
    await ask.click();
    await page.getByRole("alert").filter({ hasText: "The subject must not be blank" }).waitFor();
    await page.getByText("Claims that rules read").click();
    await fill(page, "anna", { "Claims, as a JSON object": "[1]" });
    await ask.click();
    await page.getByRole("alert").filter({ hasText: "The claims must be an object" }).waitFor();
    await fill(page, "anna", { "Claims, as a JSON object": "" });
    await page.getByLabel("The root").uncheck();
    await ask.click();
    await page.getByRole("alert").filter({ hasText: "must reach the root or a space" }).waitFor();
    assert.equal(await page.getByRole("dialog").count(), 0);
  });

  test("none allows more than its maker's: the page offers no more, and the server's refusal is shown", async () => {
    const page = await openConsole(browser, door, { scope: "sync:read sync:admin", spaces: ["", "team-*"] }, "#/tokens");
    await page.getByLabel("sync:read").waitFor();
    assert.equal(await page.getByRole("checkbox", { name: /:/ }).count(), 2);
    await fill(page, "bert", { Spaces: "acme" });
    await make(page);
    await page.getByRole("dialog").getByRole("alert").filter({ hasText: /no more than yours.*acme/s }).filter({ hasText: /Request \S+/ }).waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await fill(page, "bert", { Spaces: "team-7" });
    await make(page);
    await page.getByRole("region", { name: "A token for bert" }).waitFor();
  });

  test("they are made by operators only, and only where the server signs", async () => {
    const page = await openConsole(browser, door, writer, "#/tokens");
    await page.getByText("This page needs the permission sync:admin").waitFor();
    await forbidden(page, writer, ["POST /auth/token", "POST /auth/revoke"]);
    await forbidden(page, { ...reader, spaces: ["busy"] }, ["POST /auth/token", "POST /auth/revoke"]);
    const { page: other } = await browser.device(`${door.url}/console`, "ops");
    await other.route("**/auth/me", async (route) => {
      const me = { subject: "ops", scope: ["sync:admin"], spaces: everywhere, rooms: null, expires_at: null, makes_tokens: false };
      await route.fulfill({ json: me });
    });
    await other.getByRole("button", { name: "Sign in as a developer" }).click();
    await other.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    assert.equal(await other.getByRole("link", { name: "Tokens" }).count(), 0);
    await other.evaluate(() => void (location.hash = "#/tokens"));
    await other.getByText("This server signs no tokens").waitFor();
  });

  for (const { look, ...options } of looks) {
    test(`are for everyone: ${look}`, async () => {
      const page = await openConsole(browser, door, operator, "#/tokens", options);
      await fill(page, "anna");
      await check(page, "tokens", look);
      await page.getByRole("button", { name: "Make a token…" }).click();
      await page.getByRole("dialog").waitFor();
      await check(page, "make", look);
      await page.getByRole("dialog").getByRole("button", { name: "Make" }).click();
      await page.getByRole("region", { name: "A token for anna" }).waitFor();
      await check(page, "made", look);
    });
  }
});
