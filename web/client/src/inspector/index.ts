export * from "../inspect.js";
export type { RowName } from "./ExplainSection.js";
export { InspectorPanel } from "./InspectorPanel.js";
