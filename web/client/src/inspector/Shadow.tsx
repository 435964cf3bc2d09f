import { useCallback, useState, type ReactNode } from "react";
import { createPortal } from "react-dom";
import { panelSheet } from "./style.js";

/** Shows its children in a shadow root with the panel's style. */
export function Shadow({ children }: { children: ReactNode }) {
  const [root, setRoot] = useState<ShadowRoot | null>(null);
  const host = useCallback((element: HTMLDivElement | null) => {
    if (element === null) return;
    const shadow = element.shadowRoot ?? element.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [panelSheet()];
    setRoot(shadow);
  }, []);
  return <div ref={host}>{root !== null && createPortal(children, root)}</div>;
}
