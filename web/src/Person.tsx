import type { Database } from "@nozbe/watermelondb";
import { useEffect, useState } from "react";
import { createClient, structuredSource } from "tidemark-client";
import { TidemarkProvider, type Tidemark } from "tidemark-client/react";
import { colorOf } from "./colors";
import { onStorageFailure, openDatabase, takeStorage, type Storage } from "./database";
import { Customer, Product, schema } from "./model";
import { server, type Session } from "./session";
import { Shell } from "./Shell";

/** What this tab works on. */
export interface Device extends Storage {
  database: Database;
}

export const source = structuredSource(createClient(server));

/** Opens the person's database, and says who writes. */
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
      storage: `tidemark-${subject}`, // notes may be shared by tabs,
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
