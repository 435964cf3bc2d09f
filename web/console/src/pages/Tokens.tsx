import { Empty } from "../load";

export function Tokens() {
  return <Empty>Nothing here yet.</Empty>;
}
