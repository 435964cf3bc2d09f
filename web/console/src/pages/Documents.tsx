import { Empty } from "../load";

/** The documents of the place that is shown. The header has the heading of level 1, with the place. */
export function Documents() {
  return <Empty>Nothing here yet.</Empty>;
}
