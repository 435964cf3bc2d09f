// The page Projects: the list, and one project with its members, timeline, tasks and dependencies.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { token } from "../doors.mjs";
import { engine, rest } from "../web/rest.mjs";
import { asked, check, looks, onHosts, openConsole, operator, reader, tabTo, writer } from "./operator.mjs";

const table = (page, name) => page.getByRole("table", { name, exact: true });
const cells = (row) => row.getByRole("cell").allInnerTexts();
const list = "/api/v1/operator/projects/";

onHosts("the console's projects", (door, browser) => {
  let gone;

  before(async () => {
    await engine(door, "anna");
    const send = rest(door, "anna");
    const [{ id }] = (await send("GET", "")).results;
    await send("POST", `${id}/memberships/`, { user_id: "bert", role: "Viewer" });
    gone = (await send("POST", "", { name: "Given up" })).id;
    await send("DELETE", `${gone}/`);
    await asked(door)("POST", "/s/far/api/v1/projects/", { name: "Far away" });
  });

  const project = (page) => page.getByRole("link", { name: "Analytical engine" });

  test("lists projects of which the operator is no member, and deleted ones on request", async () => {
    const page = await openConsole(browser, door);
    await page.getByRole("link", { name: "Projects" }).click();
    await project(page).waitFor();
    const rows = table(page, "The projects").locator("tbody tr");
    assert.equal(await rows.count(), 1);
    const [name, status, tasks, members, sequence] = await cells(rows.first());
    assert.deepEqual([name, status, tasks, members], ["Analytical engine", "active", "10", "2"]);
    assert.equal(Number(sequence), (await asked(door)("GET", list)).results[0].sequence);
    await page.getByRole("link", { name: "Show deleted projects, too" }).click();
    await rows.filter({ hasText: "Given up" }).filter({ hasText: "deleted" }).getByRole("link").click();
    await page.getByText("This project is deleted.").waitFor();
    await page.getByRole("link", { name: "All projects" }).click();
    await page.getByRole("link", { name: "Hide deleted projects" }).click();
    await rows.filter({ hasText: "Given up" }).waitFor({ state: "detached" });
  });

  test("shows members with roles, the sequence, tasks and dependencies", async () => {
    const page = await openConsole(browser, door, operator, "#/projects");
    await project(page).click();
    const members = table(page, "Members").locator("tbody tr");
    await members.first().waitFor();
    assert.deepEqual((await Promise.all((await members.all()).map(cells))).map(([user, role]) => `${user} ${role}`).sort(), ["anna Owner", "bert Viewer"]);
    const { sequence } = (await asked(door)("GET", list)).results[0];
    await page.getByText(`${sequence}. A device that has pulled this number has everything.`).waitFor();
    const tasks = table(page, "Tasks").locator("tbody tr");
    assert.equal(await tasks.count(), 10);
    const [name, status, done, , days, assignee, part] = await cells(tasks.filter({ hasText: "Draw the store" }));
    assert.deepEqual([name, status, done, days, assignee, part], ["Draw the store", "In progress", "60 %", "10", "nobody", "Drawings"]);
    const dependency = table(page, "Dependencies").locator("tbody tr").filter({ hasText: "Cast the frame" });
    assert.deepEqual(await cells(dependency), ["Assemble", "ends with", "Cast the frame", "3"]);
    await page.getByText("Workshop").waitFor();
  });

  test("the timeline shows the tasks, and leads to the table with the keyboard alone", async () => {
    const page = await openConsole(browser, door, operator, "#/projects");
    await project(page).waitFor();
    await tabTo(page, "Analytical engine");
    await page.keyboard.press("Enter");
    const bars = page.getByRole("list", { name: "Tasks by time" }).getByRole("button");
    await bars.first().waitFor();
    await tabTo(page, "Drawings");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Draw the mill");
  });

  test("the projects of a space are another place's", async () => {
    const page = await openConsole(browser, door, operator, "#/s/far/projects");
    await page.getByRole("link", { name: "Far away" }).click();
    await page.getByRole("heading", { name: "Far away" }).waitFor();
    await page.goto(`${door.url}/console#/projects`);
    await project(page).waitFor();
    assert.equal(await page.getByRole("link", { name: "Far away" }).count(), 0);
  });

  test("a token that only reads sees all of it, and nobody else does", async () => {
    const page = await openConsole(browser, door, reader, "#/projects");
    await project(page).click();
    await table(page, "Tasks").waitFor();
    assert.deepEqual(await page.locator("main article button").allInnerTexts(), ["Reload"]);
    const [{ id }] = (await asked(door)("GET", list)).results;
    for (const scope of [writer.scope, "sync:admin", "projects:read"]) {
      for (const path of [list, `${list}${id}/sync/`]) {
        for (const place of ["", "/s/far"]) {
          const headers = { authorization: `Bearer ${token("ops", { ...operator, scope })}` };
          assert.equal((await fetch(door.url + place + path, { headers })).status, 403, `${scope}: ${place}${path}`);
        }
      }
    }
    const lacking = await openConsole(browser, door, { ...operator, scope: "sync:admin" }, "#/projects");
    await lacking.getByText("This page needs the permission projects:read").waitFor();
  });

  for (const { look, ...options } of looks) {
    test(`every view is for everyone: ${look}`, async () => {
      const page = await openConsole(browser, door, operator, "#/projects", options);
      await project(page).waitFor();
      await check(page, "projects", look);
      await project(page).click();
      await table(page, "Dependencies").waitFor();
      await page.locator(".timeline-arrow").first().waitFor();
      await check(page, "project", look);
    });
  }
});
