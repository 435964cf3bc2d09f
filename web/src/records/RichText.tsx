import { useEffect, useRef } from "react";
import { CollaborativeLexicalEditor, useOthers, useRoomSynced, YjsProvider } from "tidemark-client/react";

interface Props {
  roomId: string;
  label: string;
  placeholder: string;
  /** Called with the plain text, one second after this person's last edit. */
  onText(text: string): void;
}

const restMillis = 1000;

/** Shows rich text that people edit together, and the names of the others. */
export default function RichText({ roomId, label, placeholder, onText }: Props) {
  const pending = useRef<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const flush = () => {
    clearTimeout(timer.current);
    if (pending.current !== null) onText(pending.current);
    pending.current = null;
  };
  const latest = useRef(flush);
  useEffect(() => {
    latest.current = flush;
  });
  useEffect(() => () => latest.current(), []);
  const saveSoon = (text: string) => {
    pending.current = text;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => latest.current(), restMillis);
  };

  return (
    <YjsProvider roomId={roomId}>
      <div className="text-head">
        <h3>{label}</h3>
        <Present />
      </div>
      <CollaborativeLexicalEditor label={label} placeholder={placeholder} onEdit={saveSoon} />
    </YjsProvider>
  );
}

function Present() {
  const others = useOthers();
  const synced = useRoomSynced();
  return (
    <ul className="present" aria-label="Others in this note" data-synced={synced}>
      {others.map((person, index) => (
        <li key={index} ref={(item) => item?.style.setProperty("--person", person.color)}>{person.name}</li>
      ))}
    </ul>
  );
}
