import { useEffect, useState } from "react";
import { TidemarkProvider, type Tidemark } from "tidemark-client/react";
import { colorOf } from "./colors";
import { onStorageFailure, openDatabase, takeStorage } from "./database";
import type { Device } from "./device";
import { Customer, Product, schema } from "./model";
import { server, type Session } from "./session";
import { Shell } from "./Shell";

/** Opens the person's database, and gives the person's name and colour to the rooms. */
export default function Person({ session: { subject, token } }: { session: Session }) {
  const [device, setDevice] = useState<Device>();
  const [problem, setProblem] = useState("");
  const [refused, setRefused] = useState(""); // the token that the server refused
  const [tidemark, setTidemark] = useState<Tidemark>();

  useEffect(() => {
    onStorageFailure(setProblem);
    takeStorage(subject).then(
      (storage) => setDevice({ ...storage, database: openDatabase(storage.name, schema, [Customer, Product]) }),
      (error: Error) => setProblem(error.message),
    );
  }, [subject]);

  // A new token makes a new value, with which rooms connect again.
  useEffect(() => {
    if (device === undefined) return;
    setTidemark({
      server,
      person: { name: subject, color: colorOf(subject) },
      storage: `tidemark-${subject}`, // tabs share the notes
      onRefused: (code) => code === 4401 && setRefused(token),
    });
  }, [device, subject, token]);

  if (device === undefined || tidemark === undefined) return <p role="status">{problem || "Opening…"}</p>;
  return (
    <TidemarkProvider value={tidemark}>
      {problem && <p className="problem" role="alert">{problem}</p>}
      <Shell device={device} subject={subject} expired={refused === token} onUnauthorized={() => setRefused(token)} />
    </TidemarkProvider>
  );
}
