import { useEffect, useRef, useState } from "react";
import { Problem } from "../../load";
import { say } from "../../notices";
import { titleOf } from "../../route";
import { save } from "../../save";
import { many, size, time } from "../../words";
import { exportPlace, type Exported, type Progress } from "./transfer";

/** Writes all that a place has to a file. bytes is the size of the place, if it is known. */
export function Export({ place, bytes }: { place: string; bytes?: number }) {
  const [progress, setProgress] = useState<Progress>();
  const [error, setError] = useState<Error>();
  const running = useRef<AbortController>(null);
  const exported = useRef<Exported>(null);
  useEffect(() => () => running.current?.abort(), []);

  // After an error the export goes on behind the last page that it has.
  const run = async (of: Exported) => {
    const stop = (running.current = new AbortController());
    exported.current = of;
    setError(undefined);
    setProgress({ pages: of.pages.length, bytes: of.bytes });
    try {
      const file = await exportPlace(place, of, stop.signal, setProgress);
      save(file, `tidemark-${place === "" ? "root" : place}-${time(Date.now()).slice(0, 10)}.ndjson`);
      say({ text: `${place === "" ? "The root" : `The space ${place}`} is exported: ${size(file.size)}.` });
    } catch (error) {
      if (!stop.signal.aborted) setError(error as Error);
    }
    setProgress(undefined);
  };

  return (
    <>
      {progress === undefined ? <button type="button" onClick={() => void run({ pages: [], bytes: 0 })}>Export</button> : (
        <div className="transfer" role="group" aria-label={`Export of ${titleOf(place)}`}>
          <Bar progress={progress} whole={bytes} />
          <button type="button" onClick={() => running.current?.abort()}>Stop</button>
        </div>
      )}
      {error && <Problem error={error} onRetry={() => void run(exported.current!)} />}
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
