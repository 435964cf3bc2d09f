import { Empty } from "../load";

/** The rows of the place that is shown. The header has the heading of level 1, with the place. */
export function Rows() {
  return <Empty>Nothing here yet.</Empty>;
}
