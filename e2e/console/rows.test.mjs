// The page Rows: the tables, the rows of one, one row and its change, and what a user sees.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { declaredDoors } from "../clients/declared.mjs";
import { token } from "../doors.mjs";
import { until } from "../until.mjs";
import { asked, check, looks, onHosts, openConsole, operator, reader, said, tabTo, writer } from "./operator.mjs";

const claims = (scope = "sync:read sync:write") => ({ scope, spaces: ["", "*"] });

/** Sends a request as a subject, and resolves to its status and body. */
async function send(door, subject, method, path, body, headers = {}, more = claims()) {
  const all = { authorization: `Bearer ${token(subject, more)}`, ...(body && { "content-type": "application/json" }), ...headers };
  const response = await fetch(door.url + path, { method, headers: all, body: body && JSON.stringify(body) });
  return { status: response.status, body: JSON.parse((await response.text()) || "null") };
}

const pull = async (door, subject, since = 0, place = "") => (await send(door, subject, "GET", `${place}/sync/pull?last_pulled_at=${since}`)).body;

async function push(door, subject, table, rows, deleted = [], place = "") {
  const { timestamp: lastPulledAt } = await pull(door, subject, 0, place);
  const changes = { [table]: { created: [], updated: rows.map((row) => ({ created_at: 1, updated_at: Date.now(), ...row })), deleted } };
  const { status, body } = await send(door, subject, "POST", `${place}/trpc/sync.push`, { lastPulledAt, changes });
  assert.equal(status, 200, JSON.stringify(body));
  return body.result.data;
}

const visit = (id, owner_id, more) => ({ id, owner_id, rating: 3, note: "new", code: "AB1", status: "lead", level: 1, ...more });
const panel = (page, id) => page.getByRole("complementary", { name: `Row ${id}` });
const names = (page, caption) => page.getByRole("table", { name: caption }).locator("tbody tr td:first-child a").allInnerTexts();

onHosts("the console's rows", (door, browser, logged) => {
  before(async () => {
    await push(door, "anna", "visits", [visit("anna-1", "anna"), visit("anna-2", "anna", { rating: 5 }), visit("anna-3", "anna")], ["anna-gone"]);
    await push(door, "anna", "visits", [], ["anna-3"]);
    await push(door, "bert", "visits", [visit("bert-1", "bert")]);
    const places = Array.from({ length: 130 }, (_, i) => ({ id: `p-${String(i).padStart(3, "0")}`, owner_id: "anna", team: i % 2 ? "odd" : "even", name: `Place ${i}` }));
    await push(door, "anna", "places", places);
    await push(door, "anna", "visits", [visit("far-1", "anna")], [], "/s/far");
  });

  test("a newcomer finds how many rows a table has", async () => {
    const page = await openConsole(browser, door);
    await page.getByRole("link", { name: "Rows" }).click();
    const row = page.getByRole("table", { name: "The tables" }).getByRole("row").filter({ has: page.getByRole("link", { name: "visits", exact: true }) });
    await row.waitFor();
    const [, rows, deleted] = await row.getByRole("cell").allInnerTexts();
    assert.deepEqual([rows, deleted], ["3", "2"]);
  });

  test("a newcomer finds why a user does not see a row, and the token's signature stays in the page", async () => {
    const page = await openConsole(browser, door);
    const sent = [];
    page.on("request", (request) => sent.push(`${request.url()} ${request.postData() ?? ""}`));
    await page.getByRole("link", { name: "Rows" }).click();
    await page.getByRole("link", { name: "See as a user: visits" }).click();
    const theirs = token("bert", { ...claims(), nickname: "Berti" });
    await page.getByLabel("The user's claims").fill(theirs);
    await page.getByText("Its signature stayed here").waitFor();
    assert.match(await page.getByLabel("The user's claims").inputValue(), /"nickname": "Berti"/);
    await page.getByLabel("Only the row with this id").fill("anna-1");
    await page.getByRole("button", { name: "See as this user" }).click();
    await page.getByRole("heading", { name: "bert does not see anna-1" }).waitFor();
    await page.getByText(/owner_id is "anna", and the claim sub is "bert"/).first().waitFor();
    assert.ok(sent.some((request) => request.includes("/sync/as") && request.includes("Berti")));
    assert.deepEqual(sent.filter((request) => request.includes(theirs.split(".")[2])), []);
  });

  test("as a user, the list says the same as a pull with the user's token", async () => {
    const page = await openConsole(browser, door, operator, "#/rows/visits/as");
    await page.getByLabel("The user's claims").fill(JSON.stringify({ sub: "anna", ...claims() }));
    await page.getByRole("button", { name: "See as this user" }).click();
    const rows = page.getByRole("table", { name: "Rows of visits for this user" }).locator("tbody tr");
    await rows.first().waitFor();
    const shown = await rows.filter({ hasText: "brings it" }).locator("td:first-child a").allInnerTexts();
    const pulled = (await pull(door, "anna")).changes.visits.updated.map(({ id }) => id);
    assert.deepEqual(shown.sort(), pulled.sort());
    assert.equal(await rows.filter({ hasText: "does not" }).count(), 1, "bert's");
    await page.getByLabel("The user's claims").fill('{"sub":"anna","scope":"yjs:read"}');
    await page.getByRole("button", { name: "See as this user" }).click();
    await page.getByText("anna may not pull here, so no row comes:").waitFor();
    await page.getByText(/scope/).filter({ hasText: "sync:read" }).first().waitFor();
    await page.getByLabel("The user's claims").fill("anna");
    await page.getByRole("button", { name: "See as this user" }).click();
    await page.getByRole("alert").filter({ hasText: "neither JSON" }).waitFor();
  });

  test("the server filters, orders and pages the list", async () => {
    const page = await openConsole(browser, door, operator, "#/rows/places");
    await page.getByRole("link", { name: "p-099" }).waitFor();
    assert.equal((await names(page, "Rows of places")).length, 100);
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByRole("link", { name: "p-129" }).waitFor();
    await page.getByRole("button", { name: "Previous" }).click();
    await page.getByRole("link", { name: "p-000" }).waitFor();
    const filter = page.getByRole("form", { name: "Filter" });
    await filter.getByLabel("Column").selectOption("name");
    await filter.getByLabel("Comparison").selectOption("starts");
    await filter.getByLabel("Value").fill("Place 12");
    await filter.getByRole("button", { name: "Show" }).click();
    await page.getByRole("link", { name: "p-000" }).waitFor({ state: "detached" });
    await page.getByRole("link", { name: "p-129" }).waitFor();
    assert.equal((await names(page, "Rows of places")).length, 11);
    await page.reload();
    await page.getByRole("link", { name: "p-129" }).waitFor();
    assert.equal(await filter.getByLabel("Value").inputValue(), "Place 12", "the filter is part of the address");

    await page.goto(`${door.url}/console#/rows/visits`);
    await page.getByRole("link", { name: "anna-1" }).waitFor();
    assert.deepEqual(await names(page, "Rows of visits"), ["anna-1", "anna-2", "bert-1"]);
    await filter.getByLabel("Deleted rows").selectOption("only");
    await filter.getByRole("button", { name: "Show" }).click();
    await page.getByRole("link", { name: /anna-gone/ }).waitFor();
    assert.equal((await names(page, "Rows of visits")).length, 2);
    await filter.getByLabel("Deleted rows").selectOption("also");
    await filter.getByLabel("Order").selectOption("changed");
    await filter.getByRole("button", { name: "Show" }).click();
    await page.getByRole("link", { name: "bert-1" }).waitFor();
    assert.equal((await names(page, "Rows of visits"))[0], "bert-1", "the newest change");
    await page.getByRole("link", { name: "Clear" }).click();
    await page.getByRole("link", { name: /anna-gone/ }).waitFor({ state: "detached" });
  });

  test("a page of long rows says that it is short, and the next one has the rest", async () => {
    const long = "x".repeat(200_000);
    await push(door, "anna", "products", ["long-1", "long-2", "long-3"].map((id) => ({ id, description: long })));
    const page = await openConsole(browser, door, operator, "#/rows/products");
    await page.getByText("So this page is short.").waitFor();
    assert.deepEqual(await names(page, "Rows of products"), ["long-1", "long-2"]);
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByRole("link", { name: "long-3" }).waitFor();
    assert.deepEqual(await names(page, "Rows of products"), ["long-3"]);
  });

  test("an edit sends the changed columns only, asks first, and reaches devices", async () => {
    await push(door, "anna", "visits", [visit("edited", "anna")]);
    const since = (await pull(door, "anna")).timestamp;
    const page = await openConsole(browser, door, operator, "#/rows/visits?id=edited");
    const row = panel(page, "edited");
    await row.getByText(String((await asked(door)("GET", "/sync/row?table=visits&id=edited")).stamp)).waitFor();
    await row.getByRole("button", { name: "Edit" }).click();
    await row.getByLabel("rating", { exact: true }).fill("9");
    await row.getByRole("button", { name: "Save…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByRole("alert").filter({ hasText: /rating/ }).waitFor(); // a check rejects it
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await row.getByLabel("rating", { exact: true }).fill("4");
    await row.getByLabel("note is null").check();
    const request = page.waitForRequest((request) => request.method() === "PATCH");
    await row.getByRole("button", { name: "Save…" }).click();
    await dialog.getByText("Save 2 columns of edited?").waitFor();
    await dialog.getByRole("button", { name: "Save" }).click();
    assert.deepEqual((await request).postDataJSON(), { set: { rating: 4, note: null } });
    assert.match((await request).headers()["if-match"], /^"\d+"$/);
    await logged("sync.row.edit", await said(page, "The row edited of visits has 2 changed columns: rating, note."));
    const { changes } = await pull(door, "anna", since);
    assert.deepEqual(changes.visits.updated.map(({ id, rating, note }) => [id, rating, note]), [["edited", 4, null]]);
  });

  test("the box of a number keeps what is typed, and has the focus when the edit begins", async () => {
    await push(door, "anna", "visits", [visit("typed", "anna")]);
    const page = await openConsole(browser, door, operator, "#/rows/visits?id=typed");
    const row = panel(page, "typed");
    await row.getByRole("button", { name: "Edit" }).click();
    const first = row.getByRole("form", { name: "Edit typed" }).locator("select, input, textarea").first();
    await until(() => first.evaluate((box) => box === box.ownerDocument.activeElement), "the focus is in the first box");
    const box = row.getByLabel("rating", { exact: true });
    await box.press("Control+A");
    await box.pressSequentially("1.05");
    assert.equal(await box.inputValue(), "1.05");
    await row.getByRole("button", { name: "Save…" }).click();
    await page.getByRole("dialog").locator("ins").getByText("1.05", { exact: true }).waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await until(() => row.getByRole("button", { name: "Save…" }).evaluate((button) => button === button.ownerDocument.activeElement), "the focus is where it was");
  });

  test("an edit of a row that changed meanwhile is not saved, shows the newer row, and is saved after another question", async () => {
    await push(door, "anna", "visits", [visit("raced", "anna")]);
    const page = await openConsole(browser, door, operator, "#/rows/visits?id=raced");
    const row = panel(page, "raced");
    await row.getByRole("button", { name: "Edit" }).click();
    await row.getByLabel("code", { exact: true }).fill("CD2");
    await push(door, "anna", "visits", [visit("raced", "anna", { code: "XY7", rating: 1 })]);
    await row.getByRole("button", { name: "Save…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByRole("alert").filter({ hasText: "Somebody changed this row meanwhile" }).waitFor();
    await dialog.getByText("XY7").waitFor();
    const stored = async () => (await asked(door)("GET", "/sync/row?table=visits&id=raced")).row;
    assert.equal((await stored()).code, "XY7");
    await dialog.getByRole("button", { name: "Save" }).click();
    await said(page, "The row raced of visits");
    const { code, rating } = await stored();
    assert.deepEqual([code, rating], ["CD2", 1], "the other's column stays");
  });

  test("a deletion asks first, and is final", async () => {
    await push(door, "anna", "visits", [visit("doomed", "anna")]);
    const since = (await pull(door, "anna")).timestamp;
    const page = await openConsole(browser, door, operator, "#/rows/visits?id=doomed");
    const row = panel(page, "doomed");
    await row.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    assert.equal((await asked(door)("GET", "/sync/row?table=visits&id=doomed")).state, "live");
    await row.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await logged("sync.row.delete", await said(page, "The row doomed of visits is deleted."));
    await row.getByText("deleted", { exact: true }).waitFor();
    assert.equal(await row.getByRole("button").count(), 0, "nothing more can be done to it");
    assert.deepEqual((await pull(door, "anna", since)).changes.visits.deleted, ["doomed"]);
  });

  test("a deletion of a row that changed meanwhile deletes nothing, and deletes the newer row after another question", async () => {
    await push(door, "anna", "visits", [visit("late", "anna")]);
    const page = await openConsole(browser, door, operator, "#/rows/visits?id=late");
    await panel(page, "late").getByRole("button", { name: "Delete" }).click();
    await push(door, "anna", "visits", [visit("late", "anna", { code: "XY7" })]);
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Delete" }).click();
    await dialog.getByRole("alert").filter({ hasText: "Somebody changed this row meanwhile" }).waitFor();
    assert.equal((await asked(door)("GET", "/sync/row?table=visits&id=late")).state, "live");
    await panel(page, "late").getByText("XY7").waitFor();
    await dialog.getByRole("button", { name: "Delete" }).click();
    await said(page, "The row late of visits is deleted.");
  });

  test("the verdicts of a row are sentences", async () => {
    await push(door, "anna", "visits", [visit("judged", "anna")]);
    const { rejected } = await push(door, "bert", "visits", [visit("judged", "bert")]);
    assert.equal(rejected.visits[0].id, "judged");
    const page = await openConsole(browser, door, operator, "#/rows/visits?id=judged");
    await panel(page, "judged").getByText(/^bert pushed this row, and a check or a rule rejected it/).waitFor();
  });

  test("the rows of a space are another place's", async () => {
    const page = await openConsole(browser, door, operator, "#/s/far/rows/visits");
    await page.getByRole("link", { name: "far-1" }).click();
    await panel(page, "far-1").getByText("live").waitFor();
    assert.deepEqual(await names(page, "Rows of visits"), ["far-1"]);
  });

  test("a token that only reads sees no button, and the server refuses each change", async () => {
    const page = await openConsole(browser, door, reader, "#/rows/visits?id=anna-1");
    await panel(page, "anna-1").getByText("live").waitFor();
    assert.equal(await panel(page, "anna-1").getByRole("button").count(), 0);
    const path = "/sync/row?table=visits&id=anna-1";
    for (const [method, body] of [["PATCH", { set: { rating: 1 } }], ["DELETE"]]) {
      assert.equal((await send(door, "ops", method, path, body, {}, reader)).status, 403, method);
    }
    for (const [method, path, body] of [
      ["GET", "/sync/tables"], ["GET", "/sync/rows?table=visits"], ["GET", "/sync/row?table=visits&id=anna-1"],
      ["PATCH", "/sync/row?table=visits&id=anna-1", { set: { rating: 1 } }], ["DELETE", "/sync/row?table=visits&id=anna-1"],
      ["POST", "/sync/as", { claims: {}, table: "visits" }],
    ]) {
      for (const place of ["", "/s/far"]) assert.equal((await send(door, "anna", method, place + path, body, {}, writer)).status, 403, `${method} ${place}${path}`);
    }
    assert.equal((await asked(door)("GET", path)).row.rating, 3);
  });

  test("a row is found, edited and left with the keyboard alone", async () => {
    await push(door, "anna", "visits", [visit("keys", "anna")]);
    const page = await openConsole(browser, door, operator, "#/rows");
    await page.getByRole("table", { name: "The tables" }).waitFor();
    await tabTo(page, "Table");
    await page.keyboard.type("visits");
    await tabTo(page, "Id of a row");
    await page.keyboard.type("keys");
    await page.keyboard.press("Enter");
    await panel(page, "keys").getByRole("button", { name: "Edit" }).waitFor();
    await tabTo(page, "Edit");
    await page.keyboard.press("Enter");
    await tabTo(page, "rating");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("2");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await tabTo(page, "Save");
    await page.keyboard.press("Enter");
    await said(page, "The row keys of visits has 1 changed column: rating.");
    await tabTo(page, "Dismiss");
    await page.keyboard.press("Enter");
    await page.getByText("The row keys of visits has").waitFor({ state: "detached" });
  });

  for (const { look, ...options } of looks) {
    test(`every view is for everyone: ${look}`, async () => {
      const page = await openConsole(browser, door, operator, "#/rows", options);
      await page.getByRole("table", { name: "The tables" }).waitFor();
      await check(page, "tables", look);
      await page.goto(`${door.url}/console#/rows/visits?deleted=also&column=note&is=starts&value=n`);
      await page.getByRole("link", { name: "anna-1" }).waitFor();
      await check(page, "rows", look);
      await page.getByRole("link", { name: "anna-1" }).click();
      await panel(page, "anna-1").getByText("live").waitFor();
      await check(page, "row", look);
      await panel(page, "anna-1").getByRole("button", { name: "Edit" }).click();
      await panel(page, "anna-1").getByLabel("rating", { exact: true }).fill("1");
      await check(page, "row-edit", look);
      await panel(page, "anna-1").getByRole("button", { name: "Save…" }).click();
      await page.getByRole("dialog").waitFor();
      await check(page, "row-save", look);
      await page.keyboard.press("Escape");
      await page.goto(`${door.url}/console#/rows/visits/columns`);
      await page.getByRole("table", { name: "The columns" }).waitFor();
      await check(page, "columns", look);
      await page.goto(`${door.url}/console#/rows/visits/as`);
      await page.getByLabel("The user's claims").fill(token("bert", claims()));
      await page.getByRole("button", { name: "See as this user" }).click();
      await page.getByRole("table", { name: "Rows of visits for this user" }).waitFor();
      await check(page, "as-user", look);
      await page.getByRole("link", { name: "anna-1" }).click();
      await page.getByRole("heading", { name: "bert does not see anna-1" }).waitFor();
      await check(page, "as-user-one", look);
    });
  }
}, declaredDoors);
