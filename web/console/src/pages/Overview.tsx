import { Empty } from "../load";

export function Overview() {
  return <Empty>Nothing here yet.</Empty>;
}
