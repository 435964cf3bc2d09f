import { useEffect, useRef, useState } from "react";
import { Confirm } from "../../Confirm";
import { Field } from "../../Field";
import { many } from "../../words";
import { Bar } from "./Export";
import { importSpace, type Progress } from "./transfer";

interface Props {
  onDone(): void;
  onClose(): void;
}

/** Reads a file of an export into a space that is empty. */
export function Import({ onDone, onClose }: Props) {
  const [progress, setProgress] = useState<Progress>();
  const [file, setFile] = useState<File>();
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);

  const run = async (form: FormData) => {
    const name = String(form.get("name")).trim();
    setProgress({ pages: 0, bytes: 0 });
    try {
      const { lines, requestId } = await importSpace(name, file!, stop.current.signal, setProgress);
      return { text: `${file!.name} is imported into the space ${name}: ${many(lines, "line")}.`, requestId };
    } finally {
      setProgress(undefined);
      onDone();
    }
  };
  return (
    <Confirm title="Import a space" action="Import" onConfirm={run} onClose={onClose}>
      <Field
        title="The name of the new space" name="name" required pattern="[A-Za-z0-9][A-Za-z0-9._\-]{0,63}" maxLength={64} autoFocus
        hint="1 to 64 letters, digits, points, underscores and hyphens. The first is a letter or a digit."
      />
      <label>
        A file of an export
        <input type="file" required onChange={(event) => setFile(event.target.files?.[0])} />
      </label>
      <p className="soft">The space must be empty. Until the last page is imported, its clients get 503. If you close this dialog before that, the import stops. To go on, import the same file into the same space again. To give it up, delete the space.</p>
      {progress && file && <Bar progress={progress} whole={file.size} />}
    </Confirm>
  );
}
