// A device in Node: its database is in memory, and ends with the process.
import LokiJSAdapter from "@nozbe/watermelondb/adapters/lokijs";
import logger from "@nozbe/watermelondb/utils/common/logger";
import { LokiMemoryAdapter } from "lokijs";
import { migrations, schema } from "./schema";

logger.silence();

/** Returns the adapter of a new database. Two open databases need two names. An older app had another schema. */
export function inMemory(dbName: string, versions = { schema, migrations }) {
  const extraLokiOptions = { autosave: false, adapter: new LokiMemoryAdapter() };
  return new LokiJSAdapter({ ...versions, dbName, useWebWorker: false, useIncrementalIndexedDB: true, extraLokiOptions });
}
