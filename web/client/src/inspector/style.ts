// The panel's own style. It stands in a shadow root: no style of the app reaches it, and it reaches nothing of the app.
// A constructed style sheet is allowed by a content security policy without inline styles.
const css = `
:host {
  all: initial; color-scheme: inherit; display: block; position: sticky; bottom: 0; z-index: 10;
  --surface: light-dark(#fff, #172027); --line: light-dark(#cdd6dc, #3a4952); --ink: light-dark(#16232a, #e7eef2);
  --soft: light-dark(#4b5b65, #a9b8c1); --accent: light-dark(#0b5c73, #6cc3dc); --mark: light-dark(#fdecd2, #43300c);
}
* { box-sizing: border-box; }
section { font: 14px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--surface); }
.panel { height: min(30rem, 60vh); overflow: auto; border-top: 2px solid var(--accent); padding: 0 1rem 1rem; }
section:focus { outline: none; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
header { position: sticky; top: 0; background: var(--surface); display: flex; align-items: center; justify-content: space-between; padding: 0.5rem 0; z-index: 1; }
h2 { font-size: 1.1rem; margin: 0; }
h3 { font-size: 0.95rem; margin: 0 0 0.35rem; }
p { margin: 0 0 0.35rem; }
.columns { columns: 26rem; column-gap: 2rem; }
.columns > section { break-inside: avoid; padding-bottom: 1.25rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.2rem 0.6rem 0.2rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 600; overflow-wrap: normal; }
.fields { font-size: 0.93em; }
.fields :is(th, td) { padding-right: 0.3rem; }
.list td:first-child { min-width: 5.5rem; }
.list td:nth-child(2), .list td:nth-child(3), .fields td:first-child { overflow-wrap: normal; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
tr.changed td { background: var(--mark); }
code { font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1rem; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
form { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: end; margin-bottom: 0.5rem; }
label { display: grid; gap: 0.15rem; color: var(--soft); font-size: 0.85rem; }
label:last-of-type { flex: 1 1 10rem; }
button, input, select { font: inherit; color: var(--ink); background: var(--surface); border: 1px solid var(--soft); border-radius: 0.35rem; padding: 0.25rem 0.6rem; min-height: 2rem; }
input { width: 100%; }
button { cursor: pointer; white-space: nowrap; }
button:hover { border-color: var(--accent); }
.answer p:first-child { font-weight: 600; }
`;

let sheet: CSSStyleSheet | undefined;

/** Returns the style sheet of all panels. */
export function panelSheet(): CSSStyleSheet {
  if (sheet === undefined) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
  }
  return sheet;
}
