// The demo in a paused space.
import { test } from "node:test";
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { token } from "../doors.mjs";
import { until } from "../until.mjs";
import { onHost } from "./browser.mjs";

onHost("wazero", "a paused space", (door, browser) => {
  test("what is written in a pause arrives after it: rows, the note that is shown, and a note that is not", async () => {
    const anna = await browser.device(door.url, "Anna");
    await anna.signIn();
    await anna.createTeam("moving");
    for (const Name of ["Shown", "Closed"]) {
      await anna.create("customer", { Name, Company: "" });
      await anna.choose(Name);
      await anna.joined();
    }
    await anna.synced();
    await anna.page.clock.install(); // to pass the waits of minutes

    const headers = { authorization: `Bearer ${token("operator", { spaces: { moving: "sync:admin spaces:admin" } })}` };
    const post = (command) => fetch(`${door.url}/s/moving/${command}`, { method: "POST", headers });
    for (let more = true; more; ) ({ more } = await (await post("pause")).json());
    await anna.page.locator('.present[data-synced="false"]').waitFor({ state: "attached" });
    await anna.type("written and closed");
    await anna.choose("Shown");
    await anna.type("written and shown");
    await anna.fill("Company", "written in the pause");
    const chip = anna.page.locator(".chip.off", { hasText: "Waiting" });
    await chip.waitFor();
    assert.match(await chip.getAttribute("title"), /The space is paused: ask again in 5 s/);
    const unsaved = () => anna.page.evaluate(() => Object.keys(localStorage).filter((key) => key.includes(",unsaved,")).length);
    assert.equal(await unsaved(), 2);
    const pass = async (seconds) => {
      for (let n = 0; n < seconds; n += 5) {
        await anna.page.clock.runFor(5_000);
        await sleep(100); // for the network
      }
    };
    await pass(100); // a room that is not shown has 30 s for each try
    assert.equal(await unsaved(), 2);

    assert.equal((await post("resume")).status, 204);
    await until(async () => (await pass(5), (await unsaved()) === 0), "both notes are saved");
    await anna.synced();
    const bert = await browser.device(door.url, "Bert");
    await bert.signIn();
    await bert.page.goto(`${door.url}/#/join/moving`);
    await bert.page.getByRole("button", { name: "Join as Bert" }).click();
    await bert.entry("written in the pause").waitFor();
    for (const [name, text] of [["Shown", "written and shown"], ["Closed", "written and closed"]]) {
      await bert.choose(name);
      await bert.reads(text);
    }
  });
});
