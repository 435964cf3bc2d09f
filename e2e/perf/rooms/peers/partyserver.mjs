// y-partyserver as its documentation has it: hibernating, and saved by its timer,
// here in pieces to the object's SQLite. Its onRequest says how much is saved.
import { YServer } from "y-partyserver";
import { routePartykitRequest } from "partyserver";
import * as Y from "yjs";

const pieceBytes = 1 << 20;

export class Rooms extends YServer {
  static options = { hibernate: true };

  pieces() {
    this.ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS Pieces (n INTEGER PRIMARY KEY, bytes BLOB)");
    return [...this.ctx.storage.sql.exec("SELECT bytes FROM Pieces ORDER BY n")].map((row) => new Uint8Array(row.bytes));
  }

  async onLoad() {
    const state = new Uint8Array(await new Blob(this.pieces()).arrayBuffer());
    if (state.length > 0) Y.applyUpdate(this.document, state);
  }

  async onSave() {
    const state = Y.encodeStateAsUpdate(this.document);
    const { sql } = this.ctx.storage;
    this.ctx.storage.transactionSync(() => {
      sql.exec("DELETE FROM Pieces");
      for (let at = 0; at < state.length; at += pieceBytes) {
        sql.exec("INSERT INTO Pieces VALUES (?, ?)", at, state.slice(at, at + pieceBytes));
      }
    });
  }

  onRequest() {
    return Response.json({ saved: this.pieces().reduce((n, piece) => n + piece.length, 0) });
  }
}

export default {
  fetch: async (request, env) => (await routePartykitRequest(request, env)) ?? new Response("not found", { status: 404 }),
};
