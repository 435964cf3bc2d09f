import { root } from "./reach";
import { remembered, type Session } from "./session";

/** What the page calls a space. */
export function titleOf(subject: string, space: string): string {
  if (space === root) return "Everyone";
  return space === remembered(subject).personal ? "Personal" : space;
}

export interface SpaceProps {
  session: Session;
  /** The space that is shown. */
  space: string;
}
