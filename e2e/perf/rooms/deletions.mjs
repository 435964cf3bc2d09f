// The size of documents after most of their content was deleted, beside yjs.
import { setTimeout as sleep } from "node:timers/promises";
import * as Y from "yjs";
import { deletions as cases, post } from "../../yjs/deletions.mjs";
import { both, open } from "./targets.mjs";

// quiet is the time after the last edit in which rooms compact, in ms.
const quiet = 5000;

// exactly is a size as text: it is no measurement that has a spread.
const exactly = (bytes) => bytes.length.toLocaleString("en");

export async function deletions(section) {
  const table = section.table("deletions", "Bytes of a document after deletions (GET; on workerd the object alone restarts)");
  await open(both, { YJS_COPY_MILLIS: "100" }, async (targets) => {
    for (const [n, [what, edits]] of Object.entries(cases).entries()) {
      const room = `deletions-${n}`;
      const doc = new Y.Doc();
      let update;
      doc.on("update", (u) => (update = u));
      let edited;
      for (const [i, edit] of edits.entries()) {
        doc.transact(() => edit(doc));
        if (i === edits.length - 1) await sleep(quiet);
        edited = Date.now();
        for (const target of Object.values(targets)) await post(target, room, update);
      }
      const want = Y.encodeStateAsUpdate(doc);
      table.row({ what, target: "yjs" }, { "before compaction": exactly(want) });
      for (const [name, target] of Object.entries(targets)) {
        const row = {};
        row["before compaction"] = exactly(await target.ask("GET", room));
        await target.copied(room, edited);
        row["after"] = exactly(await target.ask("GET", room));
        await target.restart(room);
        const state = await target.ask("GET", room);
        row["after a restart"] = exactly(state);
        row["equal to yjs"] = state.equals(want) ? "yes" : "no";
        table.row({ what, target: name }, row);
      }
    }
  });
}
