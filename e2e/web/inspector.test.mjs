// The inspector of the demo: what is pending, why a row is as it is, and what became of it. With SCREENSHOTS=DIR it
// writes a picture there.
import { test } from "node:test";
import assert from "node:assert/strict";
import path from "node:path";
import { onHost } from "./browser.mjs";

onHost("wazero", "the inspector of the demo", (door, browser) => {
  test("shows an edit that was made offline, explains it beside another person's, and sees it synced", async () => {
    const anna = await (await browser.device(door.url, "Anna", { viewport: { width: 1200, height: 900 } })).signIn();
    const bert = await (await browser.device(door.url, "Bert")).signIn();
    const { page } = anna;
    await anna.create("customer", { Name: "Ada", Company: "Engines" });
    await anna.synced();
    await bert.choose("Ada");
    await anna.offline(true);
    await anna.fill("Company", "Analytical Engines");
    await anna.unsynced(1);

    const button = page.getByRole("button", { name: "Sync inspector" });
    await button.click();
    const panel = page.getByRole("region", { name: "Sync inspector" });
    const pending = panel.getByRole("region", { name: "Pending rows (1)" });
    await pending.getByRole("row", { name: /customers .* updated company_name, updated_at/ }).waitFor();
    await pending.getByRole("button", { name: /^Explain customers/ }).click();
    const answer = panel.getByRole("region", { name: "Explain a row" }).getByRole("status");
    await answer.filter({ hasText: "has a change of the row that the server does not have yet" }).waitFor();
    await panel.getByRole("row", { name: "company_name (edited here) Analytical Engines" }).waitFor();

    await bert.fill("Name", "Ada Lovelace");
    await bert.synced();
    await page.route("**/trpc/**", (route) => route.abort()); // it reaches the server, and cannot sync
    await anna.offline(false);
    await answer.filter({ hasText: "Your company_name and updated_at stay, and contact_name is the server's." }).waitFor();
    await panel.getByRole("row", { name: "contact_name Ada Ada Lovelace" }).waitFor();
    if (process.env.SCREENSHOTS) await page.screenshot({ path: path.join(process.env.SCREENSHOTS, "inspector-light.png") });

    await page.unroute("**/trpc/**");
    await anna.offline(true);
    await anna.offline(false); // it syncs at once
    await anna.synced();
    await panel.getByText("Nothing is pending.").waitFor();
    await answer.filter({ hasText: "both sides have the same" }).waitFor();
    await panel.getByRole("row", { name: "company_name Analytical Engines Analytical Engines" }).waitFor();
    await panel.getByRole("row", { name: "contact_name Ada Lovelace Ada Lovelace" }).waitFor();
    await panel.getByRole("row", { name: /\/sync\/subscribe open/ }).waitFor();
    await panel.getByRole("row", { name: /customer-notes-\S+ \d+ has all of the server all are on the server/ }).waitFor();
    const told = await page.evaluate(async () => {
      const { __TIDEMARK__: inspector } = globalThis;
      const [{ pushed }] = (await inspector.syncs()).filter((sync) => sync.pushed > 0);
      return { pushed, pending: await inspector.pending(), pulled: (await inspector.marks()).lastPulledAt > 0 };
    });
    assert.deepEqual(told, { pushed: 1, pending: [], pulled: true });

    await page.keyboard.press("Escape"); // the focus is still in the panel
    await panel.waitFor({ state: "detached" });
    assert.equal(await button.evaluate((element) => element === document.activeElement), true, "the focus is where it was");
  });

  test("shows the pending tasks of a project, which the server does not explain", async () => {
    const anna = await (await browser.device(door.url, "Anna")).signIn();
    const { page } = anna;
    await anna.go("Projects");
    await anna.create("project", { Name: "Mill" });
    await page.getByLabel("New task").waitFor();
    await page.getByRole("button", { name: "Sync inspector" }).click();
    const panel = page.getByRole("region", { name: "Sync inspector" });
    await panel.getByText("Nothing is pending.").waitFor();
    await anna.offline(true);
    await page.getByLabel("New task").fill("Draw the mill");
    await page.keyboard.press("Enter");
    await panel.getByRole("button", { name: /^Explain tasks/ }).click();
    await panel.getByRole("status").filter({ hasText: "the server explains the rows of tables, and none of a project" }).waitFor();
    await panel.getByRole("row", { name: "name (edited here) Draw the mill" }).waitFor();
  });
});
