import { show, type Value } from "./tables";

/** A value with its line breaks. */
export const Shows = ({ value }: { value: Value | undefined }) => (value == null ? <span className="soft">null</span> : <span className="value">{show(value)}</span>);
