import { Empty } from "../load";

/** The projects of the place that is shown. The header has the heading of level 1, with the place. */
export function Projects() {
  return <Empty>Nothing here yet.</Empty>;
}
