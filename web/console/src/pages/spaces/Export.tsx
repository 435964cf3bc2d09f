import { useEffect, useRef, useState } from "react";
import { Problem } from "../../load";
import { say } from "../../notices";
import { titleOf } from "../../route";
import { many, size, time } from "../../words";
import { exportPlace, type Progress } from "./transfer";

/** Writes all that a place has to a file. bytes is the size of the place, if it is known. */
export function Export({ place, bytes }: { place: string; bytes?: number }) {
  const [progress, setProgress] = useState<Progress>();
  const [error, setError] = useState<Error>();
  const running = useRef<AbortController>(null);
  useEffect(() => () => running.current?.abort(), []);

  const start = async () => {
    const stop = (running.current = new AbortController());
    setError(undefined);
    setProgress({ pages: 0, bytes: 0 });
    try {
      const file = await exportPlace(place, stop.signal, setProgress);
      save(file, `tidemark-${place === "" ? "root" : place}-${time(Date.now()).slice(0, 10)}.ndjson`);
      say({ text: `${place === "" ? "The root" : `The space ${place}`} is exported: ${size(file.size)}.` });
    } catch (error) {
      if (!stop.signal.aborted) setError(error as Error);
    }
    setProgress(undefined);
  };

  return (
    <>
      {progress === undefined ? <button type="button" onClick={() => void start()}>Export</button> : (
        <div className="transfer" role="group" aria-label={`Export of ${titleOf(place)}`}>
          <Bar progress={progress} whole={bytes} />
          <button type="button" onClick={() => running.current?.abort()}>Stop</button>
        </div>
      )}
      {error && <Problem error={error} onRetry={() => void start()} />}
    </>
  );
}

/** How far a transfer is; whole is about the number of bytes of the file. */
export function Bar({ progress: { pages, bytes }, whole }: { progress: Progress; whole?: number }) {
  return (
    <p className="far">
      <progress aria-label="Progress" max={whole} value={whole === undefined || bytes === 0 ? undefined : Math.min(bytes, whole)} />
      <span>{many(pages, "page")}, {size(bytes)}</span>
    </p>
  );
}

function save(file: Blob, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser has opened it by then
}
