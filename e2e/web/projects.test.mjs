// The demo's projects, with the delta dialect, in two browsers.
import { beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import { onHost } from "./browser.mjs";

const row = (device, task) => device.page.locator(".rows li", { has: device.page.locator(`input[value="${task}"]`) });
const status = (device, task) => row(device, task).getByLabel("Status of");
const addTask = async (device, name) => {
  await device.page.getByLabel("New task").fill(name);
  await device.page.keyboard.press("Enter");
  await row(device, name).waitFor();
};
// addDependency lets the task start after the end of the predecessor.
const addDependency = async ({ page }, task, predecessor) => {
  const form = page.locator("form", { hasText: "Add dependency" });
  await form.getByLabel("Task").selectOption({ label: task });
  await form.getByLabel("Predecessor").selectOption({ label: predecessor });
  await form.getByRole("button").click();
};
// projectSynced waits until the project's own chip shows no unsynced changes.
const projectSynced = (device) => device.page.locator('.project .chip.on[data-unsynced="0"]').waitFor();
const shows = (device, task, value) =>
  device.page.waitForFunction(
    ([task, value]) => [...document.querySelectorAll(".rows select")].some((s) => s.ariaLabel === `Status of ${task}` && s.value === value),
    [task, value],
  );

onHost("wazero", "projects", (door, browser) => {
  let a, b, name;
  let count = 0;

  // Anna's project with two tasks, of which Bert is a member.
  beforeEach(async () => {
    name = `Engine ${++count}`;
    a = await (await browser.device(door.url, "Anna")).signIn();
    await a.go("Projects");
    await a.create("project", { Name: name });
    await addTask(a, "Draw");
    await addTask(a, "Build");
    await a.page.getByLabel("Name").fill("Bert");
    await a.page.getByRole("button", { name: "Add member" }).click();
    await a.page.getByLabel("Role of Bert").waitFor();
    await projectSynced(a);
    b = await (await browser.device(door.url, "Bert")).signIn();
    await b.go("Projects");
    await b.choose(name);
    await row(b, "Build").waitFor();
  });

  test("tasks, dependencies and members are seen by the other without reload", async () => {
    await status(b, "Draw").selectOption("done");
    await shows(a, "Draw", "done");
    await addTask(b, "Test");
    await row(a, "Test").waitFor();

    await addDependency(a, "Build", "Draw");
    await b.page.getByText("Build starts after the end of Draw").waitFor();
    assert.equal(await b.page.getByRole("button", { name: "Add dependency" }).count(), 0, "a Member may not");

    await a.page.getByLabel("Role of Bert").selectOption("Scheduler");
    await b.page.getByRole("button", { name: "Delete Build" }).click();
    await row(a, "Build").waitFor({ state: "detached" });
    await a.page.getByText("Build starts after the end of Draw").waitFor({ state: "detached" });
  });

  test("a double click creates one project", async () => {
    await b.page.getByRole("button", { name: "New project" }).click();
    await b.page.getByRole("dialog").getByLabel("Name").fill(`Once ${name}`);
    await b.page.getByRole("dialog").getByRole("button", { name: "Create" }).dblclick();
    await b.page.getByRole("dialog").waitFor({ state: "detached" });
    await projectSynced(b);
    await b.page.reload();
    await b.entry(`Once ${name}`).first().waitFor();
    assert.equal(await b.entry(`Once ${name}`).count(), 1);
  });

  test("a dependency that makes a cycle is rejected, and the page shows the reason", async () => {
    for (const [task, which] of [["Build", "Draw"], ["Draw", "Build"]]) {
      await addDependency(a, task, which);
      if (task === "Build") await a.page.getByText("Build starts after the end of Draw").waitFor();
    }
    await a.page.getByRole("alert").filter({ hasText: /cycle|circle/i }).waitFor();
  });

  test("edits of one task, offline in A and online in B, both stay", async () => {
    await a.offline(true);
    await a.page.locator(".project .chip.off", { hasText: "Offline" }).waitFor();
    await status(a, "Draw").selectOption("in_progress");
    await addTask(a, "Offline");
    await a.page.locator('.project .chip[data-unsynced="2"]').waitFor();
    await row(b, "Draw").getByLabel("Percent complete of Draw").fill("40");
    await projectSynced(b);
    await a.offline(false);
    for (const device of [a, b]) {
      await shows(device, "Draw", "in_progress");
      await row(device, "Offline").waitFor();
      await device.page.waitForFunction(() => [...document.querySelectorAll(".rows input[type=number]")].some((i) => i.value === "40"));
      await projectSynced(device);
    }
  });

  test("what was written just before leaving the page, or offline before closing it, reaches the server", async () => {
    await addTask(a, "Leaving");
    await a.go("Customers");
    await row(b, "Leaving").waitFor();

    await a.go("Projects");
    await a.choose(name);
    await a.offline(true);
    await addTask(a, "Closing");
    await a.page.locator('.project .chip[data-unsynced="1"]').waitFor();
    await a.kept("Closing");
    await a.page.close();
    await a.offline(false);
    await a.open("#/customers");
    await row(b, "Closing").waitFor();
  });

  test("the page of a removed member shows that the server rejects it", async () => {
    await a.page.getByRole("button", { name: "Remove Bert" }).click();
    await a.page.getByLabel("Role of Bert").waitFor({ state: "detached" });
    await b.page.getByRole("alert").filter({ hasText: "The server rejected the sync" }).waitFor();
  });
});
