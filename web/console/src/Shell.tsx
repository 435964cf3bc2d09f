import { useEffect, useRef } from "react";
import { ThemeButton } from "../../src/ThemeButton";
import { Guard } from "./Guard";
import { useLoad, Shown, Empty } from "./load";
import { askMe, MeContext } from "./me";
import { Needs } from "./Needs";
import { age, Notices } from "./notices";
import { pages } from "./pages";
import { PlaceChooser } from "./PlaceChooser";
import { href, hrefIn, useRoute } from "./route";
import { session } from "./session";

/** Surrounds every page with the header. */
export function Shell() {
  const { place, page, rest } = useRoute();
  const kind = pages.find(({ name }) => name === page);
  const at = kind?.placed ? place : "";
  const root = useLoad(() => askMe(""), []);
  const there = useLoad(async () => (at === "" ? null : askMe(at)), [at]);
  const here = at === "" ? root : there;
  const main = useRef<HTMLElement>(null);
  const shown = useRef(false);
  const offered = pages.filter(({ signs }) => !signs || root.value?.makes_tokens);

  // The focus goes to the page that is new, and what was done on the last one is read.
  useEffect(() => {
    document.title = `${kind?.title ?? "Not found"} – Tidemark console`;
    if (shown.current) main.current?.focus();
    shown.current = true;
    age();
  }, [page, place, rest.join("/")]);

  return (
    <>
      <a className="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>Skip to content</a>
      <header className="bar console">
        <span className="brand"><img src="/icon.svg" alt="" width="24" height="24" /> Console</span>
        <nav aria-label="Pages">
          {offered.map(({ name, title, placed }) => (
            <a key={name} href={placed ? href([name]) : hrefIn("", [name])} aria-current={name === page ? "page" : undefined}>{title}</a>
          ))}
        </nav>
        <div className="who">
          <ThemeButton />
          <button type="button" className="quiet" onClick={() => session.end()} title={root.value ? `Signed in as ${root.value.subject}` : undefined}>Sign out</button>
        </div>
      </header>
      <main id="main" className="page" tabIndex={-1} ref={main}>
        {kind?.placed === false && <h1>{kind.title}</h1>}
        {kind?.placed && <PlaceChooser place={place} page={kind} searches={root.value?.scope.includes("spaces:admin") ?? false} />}
        <Notices />
        {kind === undefined ? (
          <Empty>There is no such page. <a href={hrefIn("", ["overview"])}>Go to the overview</a>.</Empty>
        ) : (
          <Shown of={here}>
            {(me) => (
              <MeContext.Provider value={me}>
                <Needs all={kind.needs} place={at}>
                  {kind.signs && !me?.makes_tokens ? <Empty>This server signs no tokens: it has no AUTH_SECRET. The issuer of its tokens makes them.</Empty> : <Guard key={`${page} ${at}`}><kind.Component key={at} /></Guard>}
                </Needs>
              </MeContext.Provider>
            )}
          </Shown>
        )}
      </main>
    </>
  );
}
