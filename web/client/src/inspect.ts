// The inspector without its panel, which needs a browser.
export { explainRow, type ExplainedColumn, type Explanation, type RowFacts, type StoredRow, type Verdict, type Winner } from "./inspector/explain.js";
export { Inspector, installInspector, storedRow, type ExplainedRow, type Inspected, type InspectedRoom, type Marks, type RoomInfo } from "./inspector/inspect.js";
export type { SocketInfo } from "./sockets.js";
