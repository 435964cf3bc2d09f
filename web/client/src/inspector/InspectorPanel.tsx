import { useEffect, useRef, useState } from "react";
import { ExplainSection, type RowName } from "./ExplainSection.js";
import type { Inspector } from "./inspect.js";
import { MarksSection, PendingSection, RoomsSection, SocketsSection, SyncsSection } from "./sections.js";
import { Shadow } from "./Shadow.js";
import { useFindings } from "./findings.js";

interface Props {
  inspector: Inspector;
  /** The row that the person looks at in the app: the panel offers to explain it. */
  row?: RowName | null;
  onClose(): void;
}

/**
 * Shows what is pending, the last syncs, the marks, the sockets and the open documents, and explains a row. It stands at the
 * bottom of its parent and stays in view. It takes the focus, Escape closes it, and the focus then goes back.
 */
export function InspectorPanel(props: Props) {
  return <Shadow><Panel {...props} /></Shadow>;
}

function Panel({ inspector, row = null, onClose }: Props) {
  const findings = useFindings(inspector);
  const [asked, setAsked] = useState<RowName | null>(null);
  const panel = useRef<HTMLElement>(null);
  const answer = useRef<HTMLElement>(null);
  const explain = (name: RowName) => {
    setAsked(name);
    answer.current?.focus(); // the button goes away when the row is synced
  };
  useEffect(() => setAsked(null), [inspector, row?.table, row?.id]);
  useEffect(() => {
    const before = document.activeElement;
    panel.current?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <section className="panel" ref={panel} tabIndex={-1} aria-label="Sync inspector" onKeyDown={({ key }) => key === "Escape" && onClose()}>
      <header>
        <h2>Sync inspector</h2>
        <button type="button" onClick={onClose}>Close</button>
      </header>
      {findings === null ? (
        <p role="status">Reading…</p>
      ) : (
        <div className="columns">
          <PendingSection rows={findings.pending} onExplain={explain} />
          <ExplainSection key={inspector.tables.join()} ref={answer} inspector={inspector} row={asked ?? row} findings={findings} />
          <MarksSection marks={findings.marks} clock={findings.clock} />
          <SyncsSection syncs={findings.syncs} />
          <SocketsSection sockets={findings.sockets} />
          <RoomsSection rooms={findings.rooms} closed={findings.closedRooms} />
        </div>
      )}
    </section>
  );
}
