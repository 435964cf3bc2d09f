import { Empty } from "../load";

export function Spaces() {
  return <Empty>Nothing here yet.</Empty>;
}
