// The example of Tiptap in Chromium, beside the demo. Both are in the document of a customer's note, Tiptap by Hocuspocus' provider and
// the demo's Lexical by y-websocket. They have different forms of documents, so each edits a root of its own. What
// is true of them: each shows the name of the other, and the example shows the note's text, which it does not edit. The example's own Lexical editor
// has the second form, and shows the same letter as Tiptap: texts, bold and carets.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import path from "node:path";
import { context } from "esbuild";
import { root, token } from "../doors.mjs";
import { onHost } from "./browser.mjs";

onHost("wrangler", "Tiptap", (door, browser) => {
  let bundler, site;
  before(async () => {
    const folder = path.join(root, "examples/tiptap");
    bundler = await context({ entryPoints: [path.join(folder, "page.mjs")], bundle: true, format: "esm", outdir: path.join(folder, "built"), write: false });
    const { port } = await bundler.serve({ servedir: folder, host: "127.0.0.1" });
    site = `http://127.0.0.1:${port}`;
  });
  after(() => bundler.dispose());

  test("the demo's note, and a letter in Tiptap and in Lexical, in one document", async () => {
    const anna = await (await browser.device(door.url, "Anna")).signIn();
    await anna.create("customer", { Name: "Ada", Company: "Engines" });
    await anna.choose("Ada");
    await anna.joined();
    const note = new URL(anna.page.url()).hash.split("/").at(-1);
    const write = async (editor, name) => {
      const hash = new URLSearchParams({ editor, server: door.url, room: `customer-notes-${note}`, name, token: token(name) });
      const device = await browser.device(site, name);
      await device.page.goto(`${site}/#${hash}`);
      await device.page.locator('body[data-synced="true"]').waitFor();
      return device;
    };
    const tess = await write("tiptap", "Tess");
    const lex = await write("lexical", "Lex");
    const letter = ({ page }) => page.locator('[contenteditable="true"]');
    const type = async (device, text) => {
      await letter(device).click();
      await device.page.keyboard.press("Control+End");
      await device.page.keyboard.type(text);
    };

    await type(tess, "Dear Lex,");
    await letter(lex).filter({ hasText: "Dear Lex," }).waitFor();
    await tess.page.keyboard.press("Enter");
    await tess.page.keyboard.press("Control+b");
    await tess.page.keyboard.type("boldly");
    await lex.page.locator("#editor strong", { hasText: "boldly" }).waitFor();
    await lex.page.locator("#carets span", { hasText: "Tess" }).first().waitFor({ state: "attached" });
    await type(lex, " yours");
    await tess.page.locator("#editor", { hasText: "boldly yours" }).waitFor();
    await tess.page.locator(".collaboration-carets__label", { hasText: "Lex" }).waitFor();
    assert.deepEqual(await Promise.all([tess, lex].map((device) => letter(device).locator("p").count())), [2, 2]);

    await anna.type("Called twice.");
    for (const { page } of [tess, lex]) {
      await page.locator("#note", { hasText: "Called twice." }).waitFor();
      await page.locator("#others li", { hasText: "Anna" }).waitFor();
    }
    for (const name of ["Tess", "Lex"]) await anna.page.locator(".present li", { hasText: name }).waitFor();
    assert.equal(await anna.note.innerText(), "Called twice.", "the letter is not in the note");
    const response = await fetch(`${door.url}/yjs/customer-notes-${note}?format=text&name=letter`, { headers: { authorization: `Bearer ${token("Anna")}` } });
    assert.match(await response.text(), /^Dear Lex,\nboldly yours\n?$/);
    await tess.page.close();
    await anna.page.locator(".present li", { hasText: "Tess" }).waitFor({ state: "detached" });
  });
});
