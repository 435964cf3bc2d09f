// The page Documents: the list, one document, who has it open, and its versions.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { token } from "../doors.mjs";
import { until } from "../until.mjs";
import { asked, check, looks, onHosts, openConsole, operator, reader, said, tabTo, writer } from "./operator.mjs";

const escaped = (room) => `/yjs/${encodeURIComponent(room)}`;
const document = (page, room) => page.getByRole("region", { name: `Document ${room}` });
const content = (page, of = "now") => page.getByRole("region", { name: `Content of ${of}` });
const version = (page, name) => page.getByRole("table", { name: /^Versions of/ }).getByRole("row").filter({ has: page.getByText(name, { exact: true }) });

/** Sends a request with a token of these claims, and resolves to its response. */
const send = (door, claims, method, path, body) =>
  fetch(door.url + path, { method, body, headers: { authorization: `Bearer ${token("ops", claims)}` } });

/** Writes a text to a document, in place of what it has, as a script does. */
async function write(door, room, text, place = "") {
  const send = asked(door);
  const response = await fetch(`${door.url}${place}${escaped(room)}`, { headers: { authorization: `Bearer ${token("script", operator)}` } });
  const doc = new Y.Doc();
  if (response.ok) Y.applyUpdate(doc, new Uint8Array(await response.arrayBuffer()));
  const body = doc.getText("body");
  body.delete(0, body.length);
  body.insert(0, text);
  await send("POST", place + escaped(room), Y.encodeStateAsUpdate(doc));
}

const textOf = async (door, room, claims = operator) => (await send(door, claims, "GET", `${escaped(room)}?format=text&name=body`)).text();

onHosts("the console's documents", (door, browser, logged) => {
  const people = [];

  before(async () => {
    await write(door, "minutes", "Ada opens the meeting.\nWe buy brass in March.\nGrace writes the manual.");
    await asked(door)("POST", "/yjs/minutes/versions", "yesterday");
    await write(door, "minutes", "Ada opens the meeting.\nWe buy steel in March.\nGrace writes the manual.\nWho pays?");
    await write(door, "board/2026 & more", "In a folder.");
    await write(door, "far", "Of the space.", "/s/far");
    const listed = async () => (await asked(door)("GET", "/yjs/")).rooms.map(({ room }) => room);
    for (const room of ["minutes", "board/2026 & more"]) await until(async () => (await listed()).includes(room), `${room} has no copy`);
  });
  after(() => {
    for (const provider of people) {
      provider.destroy();
      provider.doc.destroy(); // ends the timer of its awareness
    }
  });

  /** Opens a document as somebody, whose name is in the presence. */
  async function join(room, subject, scope = "yjs:read yjs:write") {
    const provider = new WebsocketProvider(`${door.url.replace("http", "ws")}/yjs`, room, new Y.Doc(), {
      params: { token: token(subject, { scope, spaces: ["", "*"] }) }, disableBc: true,
    });
    people.push(provider);
    provider.awareness.setLocalStateField("user", { name: `${subject} of the board` });
    await until(() => provider.synced, `${subject} is not in ${room}`);
    return provider;
  }

  test("a newcomer brings back yesterday's text of a document, and can undo that", async () => {
    const page = await openConsole(browser, door);
    await page.getByRole("link", { name: "Documents" }).click();
    await page.getByRole("link", { name: "minutes" }).click();
    await content(page).getByText("We buy steel").waitFor();
    await page.getByRole("button", { name: "Compare yesterday with now" }).click();
    await page.getByText("From “yesterday” to now: 2 lines added, 1 line removed.").waitFor();
    const changes = page.getByRole("region", { name: "Changes from “yesterday” to now" });
    assert.deepEqual(await changes.locator("del").allInnerTexts(), ["brass"]);
    assert.deepEqual(await changes.locator("ins").allInnerTexts(), ["steel"]);
    const now = await textOf(door, "minutes");
    await page.getByRole("button", { name: "Restore yesterday" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    assert.equal(await textOf(door, "minutes"), now);
    await page.getByRole("button", { name: "Restore yesterday" }).click();
    await dialog.getByRole("button", { name: "Restore" }).click();
    await logged("documents.versions.restore", await said(page, "minutes is again as in “yesterday”. A version has what it was before."));
    await content(page).getByText("We buy brass").waitFor();
    assert.equal(await textOf(door, "minutes"), "Ada opens the meeting.\nWe buy brass in March.\nGrace writes the manual.");
    await page.getByRole("button", { name: "Restore before" }).click();
    await dialog.getByLabel("First name a version of the text as it is now").uncheck();
    await dialog.getByRole("button", { name: "Restore" }).click();
    await said(page, "minutes is again as in “before “yesterday” was restored”.");
    assert.equal(await textOf(door, "minutes"), now);
  });

  test("the list finds documents by the start of their names, with size and time", async () => {
    const page = await openConsole(browser, door, operator, "#/documents?prefix=board");
    await page.getByRole("table", { name: "The documents" }).waitFor();
    const cells = await page.getByRole("table", { name: "The documents" }).locator("tbody tr").getByRole("cell").allInnerTexts();
    assert.equal(cells.length, 3, "one document");
    assert.match(cells[1], /^\d+ B$/);
    assert.match(cells[2], /^\d{4}-\d\d-\d\d /);
    await page.getByRole("link", { name: "board/2026 & more" }).click();
    await content(page).getByText("In a folder.").waitFor();
    await page.getByLabel("Start of the name").fill("nothing like this");
    await page.getByRole("button", { name: "Find" }).click();
    await page.getByText("No document has a name that starts with nothing like this.").waitFor();
  });

  test("says that there is no document of a name, and offers nothing to do with it", async () => {
    const page = await openConsole(browser, door, operator, "#/documents?room=never%2Fwritten");
    const none = document(page, "never/written");
    await none.getByText("There is no document of this name.").waitFor();
    assert.deepEqual(await none.getByRole("button").allInnerTexts(), ["Reload"]);
    await write(door, "never/written", "Now it is.");
    await none.getByRole("button", { name: "Reload" }).click();
    await content(page).getByText("Now it is.").waitFor();
    await none.getByRole("button", { name: "Delete" }).waitFor();
  });

  test("says who has a document open, and who may write", async () => {
    await write(door, "open", "Here.");
    const page = await openConsole(browser, door, operator, "#/documents?room=open");
    await page.getByText("Nobody has it open.").waitFor();
    await join("open", "anna");
    await join("open", "bert", "yjs:read");
    await page.getByRole("button", { name: "Reload" }).click();
    const list = page.getByRole("list", { name: "Who has it open" });
    await list.getByText("bert").first().waitFor();
    const shown = await list.getByRole("listitem").allInnerTexts();
    assert.equal(shown.length, 2);
    assert.match(shown[0], /anna\s+as anna of the board, may write/);
    assert.match(shown[1], /bert\s+as bert of the board, reads/);
  });

  test("shows a document as text of each root, as JSON and as a tree", async () => {
    const doc = new Y.Doc();
    doc.getText("body").insert(0, "plain");
    doc.getText("notes").insert(0, "bold", { bold: true });
    await asked(door)("POST", "/yjs/forms", Y.encodeStateAsUpdate(doc));
    const page = await openConsole(browser, door, operator, "#/documents?room=forms");
    const chooser = page.getByRole("region", { name: "Content", exact: true });
    await chooser.getByLabel("Root").selectOption("notes");
    await content(page).getByText("bold", { exact: true }).waitFor();
    await chooser.getByLabel("Root").selectOption("body");
    await content(page).getByText("plain").waitFor();
    await chooser.getByLabel(/^As/).selectOption("json");
    await content(page).getByText('"notes": "bold"').waitFor();
    await chooser.getByLabel(/^As/).selectOption("tree");
    await content(page).getByText('"bold": true').waitFor();
    await page.goto(`${door.url}/console#/documents?room=nobody%20wrote%20this`);
    await page.getByText("There is no document of this name.").waitFor();
  });

  test("names a version, opens it, compares two, and downloads it", async () => {
    await write(door, "draft", "one\ntwo");
    const page = await openConsole(browser, door, operator, "#/documents?room=draft");
    const name = async (name) => {
      await page.getByRole("button", { name: "Name a version" }).click();
      await page.getByRole("dialog").getByLabel("Name").fill(name);
      await page.getByRole("dialog").getByRole("button", { name: "Name it" }).click();
      await logged("documents.versions.keep", await said(page, `The version “${name}” keeps draft as it is now.`));
      await version(page, name).waitFor();
    };
    await name("first");
    await write(door, "draft", "one\ntwo\nthree");
    await name("second");
    await write(door, "draft", "all new");
    await page.getByRole("button", { name: "Open first" }).click();
    await content(page, "“first”").getByText("one two").waitFor();
    await page.getByLabel("Compare with").selectOption({ index: 2 }); // the newest version
    await page.getByText("From “first” to “second”: 1 line added, 0 lines removed.").waitFor();
    const { versions } = await asked(door)("GET", "/yjs/draft/versions");
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download first" }).click()]);
    const doc = new Y.Doc();
    Y.applyUpdate(doc, readFileSync(await download.path()));
    assert.equal(doc.getText("body").toString(), "one\ntwo");
    assert.match(download.suggestedFilename(), /^draft first\.yjs$/);
    assert.deepEqual(versions.map(({ name, subject }) => [name, subject]), [["second", "ops"], ["first", "ops"]]);
  });

  test("a deletion asks first, and disconnects who has the document open", async () => {
    await write(door, "doomed", "Gone soon.");
    const anna = await join("doomed", "anna");
    const closed = new Promise((resolve) => anna.on("connection-close", (event) => event && resolve(event.code)));
    const page = await openConsole(browser, door, operator, "#/documents?room=doomed");
    await content(page).getByText("Gone soon.").waitFor();
    await document(page, "doomed").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    assert.equal(await textOf(door, "doomed"), "Gone soon.");
    await document(page, "doomed").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await logged("documents.delete", await said(page, "The document doomed and its versions are deleted."));
    assert.equal(await closed, 4404);
    assert.equal((await send(door, operator, "GET", "/yjs/doomed")).status, 404);
    await page.getByText("There is no document of this name.").waitFor();
  });

  test("the documents of a space are another place's", async () => {
    const page = await openConsole(browser, door, operator, "#/s/far/documents?room=far");
    await content(page).getByText("Of the space.").waitFor();
    await page.goto(`${door.url}/console#/documents?room=far`);
    await page.getByText("There is no document of this name.").waitFor();
  });

  test("a token that only reads sees no button for a change, and the server refuses each", async () => {
    await write(door, "read", "Read only.");
    const { id } = await asked(door)("POST", "/yjs/read/versions", "kept");
    const page = await openConsole(browser, door, reader, "#/documents?room=read");
    await version(page, "kept").waitFor();
    const buttons = await document(page, "read").getByRole("button").allInnerTexts();
    assert.deepEqual(buttons, ["Reload", "Download", "Open", "Compare", "Download"]);
    for (const [method, path] of [["DELETE", ""], ["POST", "/versions"], ["POST", `/versions/${id}/restore`]]) {
      assert.equal((await send(door, reader, method, `/yjs/read${path}`, method === "POST" ? "x" : undefined)).status, 403, `${method} ${path}`);
    }
    const blind = { ...writer, scope: "sync:admin sync:read" };
    for (const path of ["/yjs/", "/yjs/read", "/yjs/read/presence", "/yjs/read/versions", `/yjs/read/versions/${id}`]) {
      assert.equal((await send(door, blind, "GET", path)).status, 403, path);
    }
    const lacking = await openConsole(browser, door, blind, "#/documents");
    await lacking.getByText("This page needs the permission yjs:read").waitFor();
  });

  test("a version is restored with the keyboard alone", async () => {
    await write(door, "keys", "before");
    await asked(door)("POST", "/yjs/keys/versions", "kept");
    await write(door, "keys", "after");
    const page = await openConsole(browser, door, operator, "#/documents?room=keys");
    await version(page, "kept").waitFor();
    await tabTo(page, "Restore kept");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await tabTo(page, "Restore");
    await page.keyboard.press("Enter");
    await said(page, "keys is again as in “kept”");
    assert.equal(await textOf(door, "keys"), "before");
  });

  for (const { look, ...options } of looks) {
    test(`every view is for everyone: ${look}`, async () => {
      await write(door, "minutes", "Ada opens the meeting.\nWe buy steel in March.\nGrace writes the manual.\nWho pays?");
      await join("minutes", "anna");
      const page = await openConsole(browser, door, operator, "#/documents", options);
      await page.getByRole("table", { name: "The documents" }).waitFor();
      await check(page, "documents", look);
      await page.goto(`${door.url}/console#/documents?room=minutes`);
      await content(page).getByText("We buy steel").waitFor();
      await version(page, "yesterday").waitFor();
      await check(page, "document", look);
      await page.getByRole("button", { name: "Compare yesterday with now" }).click();
      await page.getByRole("region", { name: "Changes from" }).waitFor();
      await check(page, "document-compare", look);
      await page.getByRole("button", { name: "Restore yesterday" }).click();
      await page.getByRole("dialog").waitFor();
      await check(page, "document-restore", look);
    });
  }
});
