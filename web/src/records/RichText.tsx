import { useEffect, useRef } from "react";
import { CollaborativeLexicalEditor, useOthers, useRoomSynced, YjsProvider } from "tidemark-client/react";

interface Props {
  roomId: string;
  label: string;
  placeholder: string;
  /** Given the plain text a second after the last edit made here. */
  onText(text: string): void;
}

const restMillis = 1000;

/** Rich text that people edit together, and who else is there. */
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
  const rest = (text: string) => {
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
      <CollaborativeLexicalEditor label={label} placeholder={placeholder} onEdit={rest} />
    </YjsProvider>
  );
}

function Present() {
  const others = useOthers();
  const synced = useRoomSynced();
  return (
    <ul className="present" aria-label="Also here" data-synced={synced}>
      {others.map((person, index) => (
        <li key={index} ref={(item) => item?.style.setProperty("--person", person.color)}>{person.name}</li>
      ))}
    </ul>
  );
}
