import { lazy, useEffect, useState } from "react";
import { ClosedError } from "tidemark-client";
import { TidemarkProvider, type Tidemark } from "tidemark-client/react";
import { colorOf } from "./colors";
import { onStorageFailure } from "./database";
import { openDevice, type Device } from "./device";
import { serverOf } from "./kitSession";
import { root } from "./reach";
import { hrefIn, useRoute, useSpace } from "./route";
import { saveOthers } from "./saving";
import { spacesOf, type Session } from "./session";
import { Shell } from "./Shell";

const Join = lazy(async () => ({ default: (await import("./SpaceList")).Join }));
const NotIncluded = lazy(async () => ({ default: (await import("./SpaceList")).NotIncluded }));

/** Shows the space that the route names, or why the person cannot open it. */
export default function Person({ session }: { session: Session }) {
  const space = useSpace();
  const [page, joining = ""] = useRoute();
  const [first] = spacesOf(session);
  const elsewhere = space === root && !session.reach.includes(root) && first !== undefined;
  useEffect(() => {
    if (elsewhere) location.replace(hrefIn(first));
  }, [elsewhere]);

  if (page === "join") return <Join session={session} space={joining} />;
  if (elsewhere) return null;
  if (!session.reach.includes(space)) return <NotIncluded session={session} space={space} />;
  return <Opened key={space} session={session} space={space} />;
}

/** Opens the space's database, and gives the person's name and colour to the rooms. */
function Opened({ session, space }: { session: Session; space: string }) {
  const { subject, token } = session;
  const [device, setDevice] = useState<Device>();
  const [problem, setProblem] = useState("");
  const [refused, setRefused] = useState(""); // the token that the server refused
  const [tidemark, setTidemark] = useState<Tidemark>();

  useEffect(() => {
    onStorageFailure(setProblem);
    openDevice(subject, space).then(setDevice, (error: Error) => setProblem(error.message));
  }, [subject, space]);

  // A new token makes a new value, with which rooms connect again.
  useEffect(() => {
    const server = serverOf(subject, space);
    setTidemark({
      server,
      subject,
      person: { name: subject, color: colorOf(subject) },
      storage: `tidemark-${subject}`, // of versions up to 0.1.0
      onRefused: (code, reason) => !server.signal?.aborted && (code === 4401 ? setRefused(token) : setProblem(new ClosedError(code, reason).message)),
    });
  }, [subject, space, token]);

  useEffect(() => {
    if (tidemark === undefined || refused === token) return;
    const save = () => void saveOthers(session, tidemark);
    save();
    addEventListener("online", save);
    return () => removeEventListener("online", save);
  }, [tidemark, refused]);

  if (device === undefined || tidemark === undefined) return <p role="status">{problem || "Opening…"}</p>;
  return (
    <TidemarkProvider value={tidemark}>
      {problem && <p className="problem" role="alert">{problem}</p>}
      <Shell device={device} session={session} expired={refused === token} onUnauthorized={() => setRefused(token)} />
    </TidemarkProvider>
  );
}
