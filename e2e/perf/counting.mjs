// counting returns the source of a module around the Worker, for startTidemark. It counts what
// the objects of these classes and D1 do, as Cloudflare bills it, and has a route /counts:
// {CLASS: {written, read, alarms, requests, messages, bytes}, D1: {written, read, batches}}.
// Each alarm that is set is a row written. bytes is the size of the object that served the
// last request. What a transaction wrote and then undid counts, too.
export const counting = (...classes) => `
  import worker, * as base from "./worker/worker.mjs";
  export * from "./worker/worker.mjs";
  const counts = { D1: { written: 0, read: 0, batches: 0 } };
  const cursors = [];
  const batch = (db) => async (statements) => {
    const results = await db.batch(statements);
    counts.D1.batches++;
    for (const { meta } of results) counts.D1.written += meta.rows_written, counts.D1.read += meta.rows_read;
    return results;
  };
  let wrapped;
  const wrap = (env) => (wrapped ??= { ...env, DB: { prepare: (sql) => env.DB.prepare(sql), batch: batch(env.DB) } });
  export default {
    fetch(request, env, ctx) {
      if (new URL(request.url).pathname !== "/counts") return worker.fetch(request, wrap(env), ctx);
      for (const [count, cursor] of cursors.splice(0)) count.written += cursor.rowsWritten, count.read += cursor.rowsRead;
      return Response.json(counts);
    },
  };
  function counted(Room, name) {
    const count = (counts[name] = { written: 0, read: 0, alarms: 0, requests: 0, messages: 0, bytes: 0 });
    return class extends Room {
      constructor(ctx, env) {
        const { sql } = ctx.storage;
        const exec = (...statement) => {
          const cursor = sql.exec(...statement);
          cursors.push([count, cursor]);
          return cursor;
        };
        const counting = Object.defineProperty({ exec }, "databaseSize", { get: () => sql.databaseSize });
        Object.defineProperty(ctx.storage, "sql", { value: counting });
        super(ctx, wrap(env));
      }
      async fetch(request) {
        count.requests++;
        const response = await super.fetch(request);
        count.bytes = this.ctx.storage.sql.databaseSize;
        return response;
      }
      call(data) {
        count.requests++;
        return super.call(data);
      }
      alarm() {
        count.requests++;
        return super.alarm();
      }
      webSocketMessage(ws, data) {
        count.messages++;
        super.webSocketMessage(ws, data);
      }
      setAlarm(millis) {
        if (millis !== 0) count.alarms++;
        super.setAlarm(millis);
      }
    };
  }
  ${classes.map((name) => `export class ${name} extends counted(base.${name}, "${name}") {}`).join("\n")}`;
