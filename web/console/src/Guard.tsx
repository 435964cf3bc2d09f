import { Component, type ReactNode } from "react";
import { Problem } from "./load";

/** Shows an error of a page in its place, such as of a part that a newer deployment no longer has. The header stays. */
export class Guard extends Component<{ children: ReactNode }, { error?: Error }> {
  override state: { error?: Error } = {};

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return <Problem error={new Error(`The page has an error: ${error.message}`)} onRetry={() => location.reload()} />;
  }
}
