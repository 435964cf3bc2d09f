import { lazy, Suspense, useState } from "react";
import { Empty, Shown, useLoad, Waiting, type Load } from "../../load";
import { count, time } from "../../words";
import { now, stateOf, textOf, treeOf, rootsOf, type Form, type Version } from "./documents";

const Compared = lazy(() => import("./Compared"));

const longest = 200_000; // characters that are shown

interface Props {
  path: string;
  /** Of the document as it is now. */
  roots: Load<Record<string, unknown> | null>;
  versions: Version[];
  /** The state that is shown: a version's id, or now. */
  at: string;
  /** The state with which it is compared. */
  than: string | undefined;
  onShow(at: string, than: string | undefined): void;
}

/** The text of a document or of a version, or what differs between two of them. */
export function Preview({ path, roots, versions, at, than, onShow }: Props) {
  const [form, setForm] = useState<Form>("text");
  const [chosen, setChosen] = useState("");
  const named = (id: string) => versions.find((version) => version.id === id)?.name || "a version without a name";
  const titleOf = (id: string) => (id === now ? "now" : `“${named(id)}”`);
  const states = [[now, "now"], ...versions.map(({ id, name, created_at }) => [id, `${name || "no name"}, ${time(created_at)}`])] as const;
  const options = states.map(([id, title]) => <option key={id} value={id}>{title}</option>);
  return (
    <section className="card pane" aria-label="Content">
      <Shown of={roots}>
        {(of) => {
          if (of === null) return <Empty>There is no document of this name. Nobody has written to it yet, or it was deleted.</Empty>;
          const names = Object.keys(of);
          const root = names.includes(chosen) ? chosen : (names.find((name) => typeof of[name] === "string") ?? names[0] ?? "");
          return (
            <>
              <div className="tools">
                <label>Show <select value={at} onChange={({ currentTarget }) => onShow(currentTarget.value, than)}>{options}</select></label>
                <label>
                  Compare with
                  <select value={than ?? ""} onChange={({ currentTarget }) => onShow(at, currentTarget.value || undefined)}>
                    <option value="">nothing</option>
                    {options}
                  </select>
                </label>
                {than === undefined && (
                  <label>
                    As
                    <select value={form} onChange={({ currentTarget }) => setForm(currentTarget.value as Form)}>
                      <option value="text">text</option>
                      <option value="json">JSON</option>
                      <option value="tree">a tree, with formats</option>
                    </select>
                  </label>
                )}
                {(form === "text" || than !== undefined) && names.length > 0 && (
                  <label>Root <select value={root} onChange={({ currentTarget }) => setChosen(currentTarget.value)}>{names.map((name) => <option key={name} value={name}>{name}</option>)}</select></label>
                )}
              </div>
              {than === undefined
                ? <State key={`${at} ${form} ${root}`} of={roots} path={stateOf(path, at)} root={root} form={form} title={titleOf(at)} />
                : <Two of={roots} path={path} root={root} at={at} than={than} versions={versions} titleOf={titleOf} />}
            </>
          );
        }}
      </Shown>
    </section>
  );
}

// A state is read again when the roots of the document are.
function State({ of, path, root, form, title }: { of: Load<unknown>; path: string; root: string; form: Form; title: string }) {
  const text = useLoad(
    async (signal) => (form === "text" ? textOf(path, root, signal) : JSON.stringify(await (form === "json" ? rootsOf : treeOf)(path, signal), null, 2)),
    [path, root, form, of.value],
  );
  return (
    <Shown of={text}>
      {(text) =>
        text === "" ? <Empty>{root ? `The root ${root} has no text here.` : "The document is empty."}</Empty> : (
          <>
            {text.length > longest && <p className="hint">The first {count(longest)} of {count(text.length)} characters. Download has all.</p>}
            <pre className={`sheet ${form}`} role="region" aria-label={`Content of ${title}`} tabIndex={0}>{text.slice(0, longest)}</pre>
          </>
        )
      }
    </Shown>
  );
}

interface TwoProps {
  of: Load<unknown>;
  path: string;
  root: string;
  at: string;
  than: string;
  versions: Version[];
  titleOf(id: string): string;
}

function Two({ of, path, root, at, than, versions, titleOf }: TwoProps) {
  const age = (id: string) => (id === now ? -1 : versions.findIndex((version) => version.id === id)); // the newest first
  const [older, newer] = age(at) > age(than) ? [at, than] : [than, at];
  const texts = useLoad(
    (signal) => Promise.all([older, newer].map((id) => textOf(stateOf(path, id), root, signal))),
    [path, root, older, newer, of.value],
  );
  return (
    <Shown of={texts}>
      {([before = "", after = ""]) => (
        <Suspense fallback={<Waiting />}><Compared before={before} after={after} from={titleOf(older)} to={titleOf(newer)} /></Suspense>
      )}
    </Shown>
  );
}
