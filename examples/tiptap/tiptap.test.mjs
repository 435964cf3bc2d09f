// Tiptap by Hocuspocus' provider and Lexical by y-websocket, in one document of both hosts. Tiptap has a page of happy-dom, Lexical
// needs none. Both editors show one root: Tiptap has it as a fragment and Lexical as an element, which are the same
// on the wire. So they show the same texts, line breaks and bold, and each other's carets. That needs Lexical's second, experimental
// form of documents, and a schema of both (schema.mjs). The demo's note has the first form, which is one text: there each
// sees that the other is there, and neither editor shows the text of the other (e2e/web/tiptap.test.mjs).
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { Window } from "happy-dom";
import { $createLineBreakNode, $createParagraphNode, $createTextNode, $getNodeByKey, $getRoot, BLUR_COMMAND, FOCUS_COMMAND } from "lexical";
import { $getAnchorAndFocusForUserState } from "@lexical/yjs";
import { doors, token } from "../../e2e/doors.mjs";
import { until } from "../../e2e/until.mjs";

const window = new Window();
for (const name of ["document", "window", "Node", "Element", "HTMLElement", "Text", "Range", "Selection", "MutationObserver", "DOMParser", "navigator"]) {
  Object.defineProperty(globalThis, name, { value: window[name], configurable: true });
}
for (const name of ["getComputedStyle", "requestAnimationFrame", "cancelAnimationFrame"]) globalThis[name] = window[name].bind(window);
const { openTiptap } = await import("./tiptap.mjs");
const { openLexical } = await import("./lexical.mjs");
const { others } = await import("./presence.mjs");
const { onSynced } = await import("./synced.mjs");

for (const [host, open] of Object.entries(doors)) {
  describe(`one letter in two editors, on ${host}`, { timeout: 600_000 }, () => {
    const door = open();
    let tess, lex, element;
    const synced = { tess: [], lex: [] };
    before(async () => {
      await door.start();
      const place = (name, color) => ({ server: door.url, room: "letter", token: token(name), user: { name, color }, field: "letter" });
      element = document.body.appendChild(document.createElement("div"));
      tess = openTiptap({ ...place("Tess", "#b3261e"), element });
      lex = openLexical(place("Lex", "#146c2e"));
      onSynced(tess.provider, (is) => synced.tess.push(is));
      onSynced(lex.provider, (is) => synced.lex.push(is));
      await until(() => tess.provider.synced && lex.provider.synced, "both have the letter");
    });
    after(async () => {
      tess.close();
      lex.close();
      await door.close();
    });

    const textOfLexical = () => lex.editor.read(() => $getRoot().getTextContent());
    const write = (body) => lex.editor.update(body, { discrete: true });

    test("each shows the texts, the line breaks and the bold of the other", async () => {
      tess.editor.commands.insertContent("Dear Lex");
      await until(() => textOfLexical() === "Dear Lex", textOfLexical);
      write(() => $getRoot().append($createParagraphNode().append(
        $createTextNode("I write "), $createTextNode("boldly").toggleFormat("bold"), $createTextNode(","), $createLineBreakNode(), $createTextNode("on two lines"),
      )));
      await until(() => tess.editor.getText().includes("on two lines"), () => tess.editor.getHTML());
      assert.match(tess.editor.getHTML(), /^<p>Dear Lex<\/p><p>I write <strong>.*boldly.*<\/strong>.*,.*<br>.*on two lines/);
      tess.editor.chain().setTextSelection({ from: 1, to: 5 }).toggleMark("p").run();
      tess.editor.chain().setTextSelection(9).insertContent({ type: "linebreak" }).run();
      await until(() => textOfLexical().startsWith("Dear Lex\n\n\n"), textOfLexical);
      assert.deepEqual(
        lex.editor.read(() => $getRoot().getFirstChild().getChildren().map((node) => [node.getTextContent(), node.getFormat?.()])),
        [["Dear", 1], [" Lex", 0], ["\n", undefined]],
      );
    });

    test("neither counts as synchronized while its connection is broken", async () => {
      assert.deepEqual(synced, { tess: [true], lex: [true] });
      tess.provider.configuration.websocketProvider.webSocket.close();
      lex.provider.ws.close();
      const again = [true, false, true];
      await until(() => synced.tess.length >= 3 && synced.lex.length >= 3, () => JSON.stringify(synced));
      assert.deepEqual(synced, { tess: again, lex: again });
    });

    test("each shows the caret and the name of the other, until the other leaves", async () => {
      tess.editor.commands.focus(5);
      const state = () => lex.awareness.getStates().get(tess.doc.clientID);
      await until(() => state()?.focusing && state().anchorPos, "Tess has a caret");
      const before = lex.editor.read(() => {
        const { focusKey, focusOffset } = $getAnchorAndFocusForUserState(lex.binding, state());
        return $getNodeByKey(focusKey).getTextContent().slice(0, focusOffset);
      });
      assert.equal(before, "Dear", "Lexical finds the place of Tiptap's caret");

      write(() => $getRoot().getFirstChild().getFirstChild().select(2, 2));
      lex.editor.dispatchCommand(FOCUS_COMMAND, {});
      const label = () => element.querySelector(".collaboration-carets__caret");
      await until(label, "Tiptap shows the caret of Lex");
      assert.equal(label().previousSibling.textContent, "De");
      assert.match(label().textContent, /Lex/);
      assert.deepEqual([others(tess.awareness), others(lex.awareness)], [["Lex"], ["Tess"]]);

      lex.editor.dispatchCommand(BLUR_COMMAND, {});
      await until(() => !label(), "Tiptap hides the caret of Lex");
      tess.close();
      await until(() => others(lex.awareness).length === 0, "Tess left");
    });
  });
}
