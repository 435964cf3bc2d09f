// The timeline of a project in the demo, in two browsers. timeline_layout.test.mjs tests where everything is, and
// accessibility.test.mjs has axe's verdict.
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { onHost } from "./browser.mjs";
import { rest, upload } from "./rest.mjs";

const rows = ({ page }) => page.locator(".timeline-row");
// named is the row of the task whose name for screen readers begins or goes on so.
const named = ({ page }, name) => page.locator(`.timeline-row[aria-label*="${name}"]`);
const left = async (device, name) => (await named(device, name).locator(".timeline-frame").boundingBox()).x;
const arrows = ({ page }) => page.locator(".timeline-arrow");
const nameOfFocus = ({ page }) => page.evaluate(() => document.activeElement.getAttribute("aria-label"));
// settled waits until no bar moves any more.
const settled = ({ page }) => page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState === "finished"));

onHost("wazero", "the timeline", (door, browser) => {
  let project;

  const send = rest(door, "Anna");

  const create = (...tasks) => upload(send, project, tasks.map((task) => ({ id: `${project}-${task.name}`, planned_start: "2026-03-02", ...task })));

  async function shows(name, options) {
    const device = await (await browser.device(door.url, name, options)).signIn();
    await device.page.goto(`${door.url}/#/projects/${project}`);
    await device.page.getByRole("heading", { name: "Timeline" }).waitFor();
    return device;
  }

  beforeEach(async () => {
    ({ id: project } = await send("POST", "", { name: "Engine" }));
    await send("POST", `${project}/memberships/`, { user_id: "Bert", role: "Viewer" });
  });

  test("an edit of A moves a bar in B, and a new dependency is an arrow there", async () => {
    await create({ name: "Draw", duration_days: 5 }, { name: "Build", duration_days: 3 });
    const [a, b] = [await shows("Anna"), await shows("Bert")];
    await named(b, "Build. 2 Mar 2026 to 4 Mar 2026, 3 days. Not started.").waitFor();
    assert.equal(await left(b, "Build."), await left(b, "Draw."));
    assert.equal(await arrows(b).count(), 0);

    await a.page.getByLabel("Start of Build").fill("2026-03-09");
    await named(b, "Build. 9 Mar 2026 to 11 Mar 2026, 3 days.").waitFor();
    await settled(b);
    assert.ok(await left(b, "Build.") > await left(b, "Draw.") + 100);

    await a.page.getByRole("button", { name: "Add dependency" }).click(); // of the second task on the first
    await named(b, "Build. 9 Mar 2026 to 11 Mar 2026, 3 days. Not started. It starts after the end of Draw.").waitFor();
    await arrows(b).waitFor();
    const { results: [{ id }] } = await send("GET", `${project}/dependencies/`);
    await send("PATCH", `${project}/dependencies/${id}/`, { lag_days: 2 });
    await named(b, "It starts after the end of Draw, 2 days later.").waitFor();
    await a.page.getByRole("button", { name: "Remove: Build" }).click();
    await arrows(b).waitFor({ state: "detached" });

    await a.page.getByLabel("Days of Draw").fill("-1");
    await a.page.getByLabel("Start of Draw").fill("0202-03-04");
    await a.page.getByLabel("Draw is a milestone").check();
    await named(b, "Draw. Milestone on 2 Mar 2026.").waitFor(); // the server would reject all three together
  });

  test("bars glide, but not for a person who wants less motion", async () => {
    await create({ name: "Draw", duration_days: 5 });
    const { page } = await shows("Bert");
    for (const [reducedMotion, want] of [["no-preference", "0.3s"], ["reduce", "0s"]]) {
      await page.emulateMedia({ reducedMotion });
      const times = await page.locator(".timeline-bar").evaluate((bar) => getComputedStyle(bar).transitionDuration);
      assert.deepEqual([...new Set(times.split(", "))], [want]);
    }
  });

  test("the keys go from task to task and into the list, and the focus stays when others delete the task", async () => {
    await create({ name: "Draw" }, { name: "Build" }, { name: "Test" });
    const a = await shows("Anna");
    await a.page.getByLabel("Scale").focus();
    const at = async (key, name) => {
      await a.page.keyboard.press(key);
      assert.match(await nameOfFocus(a), new RegExp(`^${name}\\.`), key);
    };
    await at("Tab", "Draw");
    await at("ArrowDown", "Build");
    await at("End", "Test");
    await at("ArrowUp", "Build");
    const heard = await a.page.locator(".timeline").ariaSnapshot();
    assert.deepEqual(heard.match(/- \w+/g), ["- list", ...Array(3).fill(["- listitem", "- button"]).flat()], "a screen reader finds a list, and no image");

    await a.page.keyboard.press("Enter");
    assert.equal(await a.page.evaluate(() => document.activeElement.value), "Build");
    await named(a, "Build.").focus();
    await send("DELETE", `${project}/tasks/${project}-Build/`);
    await named(a, "Build.").waitFor({ state: "detached" });
    assert.match(await nameOfFocus(a), /^Test\./);
    await at("ArrowUp", "Draw");
  });

  test("a project's calendar shades its days off, and durations skip them", async () => {
    await create({ name: "Draw", planned_start: "2026-03-05", duration_days: 3 });
    const b = await shows("Bert");
    await named(b, "Draw. 5 Mar 2026 to 7 Mar 2026, 3 days.").waitFor();
    assert.equal(await b.page.locator(".timeline-off").count(), 0);
    const { id } = await send("POST", `${project}/calendars/`, { name: "Works", exceptions: ["2026-03-09"] });
    await send("PATCH", `${project}/`, { calendar_id: id });
    await named(b, "Draw. 5 Mar 2026 to 10 Mar 2026, 3 days.").waitFor();
    await b.page.locator(".timeline-off").first().waitFor();
  });

  test("a project without tasks, and tasks without dates, say what is missing", async () => {
    const a = await shows("Anna");
    await a.page.getByText("The timeline is empty until the project has tasks.").waitFor();
    await a.page.getByLabel("New task").fill("Draw");
    await a.page.keyboard.press("Enter");
    await named(a, "Draw. No dates. Not started.").waitFor();
    await a.page.getByText("No task has a start yet").waitFor();
    await a.page.getByLabel("Start of Draw").fill("2026-03-02");
    await named(a, "Draw. Starts 2 Mar 2026, without a duration.").waitFor();
    await a.page.getByText("No task has a start yet").waitFor({ state: "detached" });
  });

  test("of 1,000 tasks the browser draws those in view; the keys reach all of them", async () => {
    const name = (i) => `Task ${i} of a project that has so many that no name of them fits into its column`;
    await create(...Array.from({ length: 1000 }, (_, i) => ({
      id: `${project}-${i}`, name: name(i), planned_start: new Date(Date.UTC(2026, 2, 2 + i)).toISOString().slice(0, 10), duration_days: 1 + (i % 30),
    })));
    for (const [from, to] of [[0, 999], [500, 501]]) {
      await send("POST", `${project}/dependencies/`, { predecessor_id: `${project}-${from}`, successor_id: `${project}-${to}` });
    }
    const b = await shows("Bert", { viewport: { width: 320, height: 700 } });
    await named(b, "Task 0 of").focus();
    const drawn = await rows(b).count();
    assert.ok(drawn > 5 && drawn < 40, `${drawn} rows`);
    assert.equal(await arrows(b).count(), 1);
    await b.page.keyboard.press("End");
    assert.match(await nameOfFocus(b), /^Task 999 of .* It starts after the end of Task 0 of/);
    const inView = await b.page.evaluate(() => {
      const [view, bar] = [document.querySelector(".timeline"), document.activeElement.querySelector(".timeline-frame")].map((element) => element.getBoundingClientRect());
      return bar.left >= view.left && bar.left < view.right && bar.top >= view.top && bar.bottom <= view.bottom;
    });
    assert.ok(inView, "the bar of the last task is in view");
    assert.ok((await rows(b).count()) < 40);
    assert.ok(await b.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page itself does not scroll sideways");
  });
});
