// The kit's documents in a browser's IndexedDB. e2e/clients/documents.test.mjs has those in SQLite.
import { conformance } from "./documents.mjs";
import { browser } from "./indexeddb.mjs";

conformance("IndexedDB", browser);
