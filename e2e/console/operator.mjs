// What the tests of the console share: a host that is under load, an operator with a token, and what every page must be.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { after, afterEach, before, describe } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import * as Y from "yjs";
import { doors, token } from "../doors.mjs";
import { until } from "../until.mjs";
import { Browser, skip } from "../web/browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictures = process.env.SCREENSHOTS;

const everything = "sync:read sync:write sync:admin yjs:read yjs:write projects:read projects:write spaces:admin";
export const everywhere = ["", "*"]; // the root, and all spaces

/** The claims of a token that may do everything, of one that only reads, and of one without sync:admin. */
export const operator = { scope: everything, spaces: everywhere };
export const reader = { scope: "sync:read yjs:read projects:read sync:admin", spaces: everywhere };
export const writer = { scope: "sync:read sync:write yjs:read yjs:write projects:read projects:write", spaces: everywhere };

/** Pushes, pulls, edits of a document and sockets, in the root and in the space `busy`, until it is stopped. */
class Load {
  busy = true;
  answered = 0;
  refused = [];

  constructor(door) {
    this.door = door;
    this.token = token("load", operator);
    this.loops = ["", "/s/busy"].map((place) => this.run(place));
  }

  async ask(method, path, body, type = "application/json") {
    const headers = { authorization: `Bearer ${this.token}`, ...(body && { "content-type": type }) };
    const response = await fetch(this.door.url + path, { method, headers, body });
    const text = await response.text();
    if (response.ok) this.answered++;
    else this.refused.push(`${method} ${path}: ${response.status} ${text.slice(0, 200)}`);
    return text;
  }

  async run(place) {
    const doc = new Y.Doc();
    let socket;
    for (let n = 0; this.busy; n++) {
      const pulled = JSON.parse(await this.ask("GET", `${place}/sync/pull`));
      const row = { id: `load-${n % 50}`, contact_name: `Load ${n}`, company_name: "Load", created_at: 1, updated_at: Date.now() };
      const push = { lastPulledAt: pulled.timestamp, changes: { customers: { created: [], updated: [row], deleted: [] } } };
      await this.ask("POST", `${place}/trpc/sync.push`, JSON.stringify(push));
      doc.getText("body").insert(0, `${n} `);
      await this.ask("POST", `${place}/yjs/load`, Y.encodeStateAsUpdate(doc), "application/octet-stream");
      socket?.close();
      socket = new WebSocket(`${this.door.url.replace("http", "ws")}${place}/sync/subscribe`, ["tidemark", this.token]);
      await sleep(50); // the pace; nothing waits for it
    }
    socket?.close();
  }

  /** Ends the load, of which the server must have refused nothing. */
  async stop() {
    this.busy = false;
    await Promise.all(this.loops);
    assert.deepEqual(this.refused, [], "the server did all the work beside the console");
    assert.ok(this.answered > 0);
  }
}

/** Which changes the server's log names. */
class Changes {
  text = "";

  constructor({ process }) {
    for (const output of [process.stdout, process.stderr]) output.on("data", (data) => (this.text += data));
  }

  /** Waits until the log says that an action was done by the operator of the console, in a request with this id. */
  async named(action, id) {
    const line = () => this.text.split("\n").find((line) => line.includes(action) && line.includes(id) && /msg.{1,5}change/.test(line));
    await until(line, `a line about ${action} of the request ${id}`, 60_000);
    assert.match(line(), /subject.{1,5}ops\b/);
  }
}

// onHosts describes tests of the console on each host, which is under load. body gets the door, the browser, and a
// function that waits for a line of the log; the first two are open before its first hook. hosts are functions that
// return a door, by name.
export function onHosts(title, body, hosts = doors) {
  for (const [host, open] of Object.entries(hosts)) {
    describe(`${title} on ${host}`, { skip, timeout: 1_200_000 }, () => {
      const door = Object.assign(open(), { dev: true });
      const browser = new Browser();
      let load, changes;
      before(async () => {
        await door.start();
        changes = new Changes(door);
        await browser.start();
        load = new Load(door);
      });
      after(async () => {
        await load.stop();
        await browser.close();
        await door.close();
      });
      afterEach(async (t) => {
        if (t.error) console.error(await browser.describe());
        const faults = browser.faults;
        await browser.forget();
        assert.deepEqual(faults, [], "no errors in the page, and the content security policy holds");
      });
      body(door, browser, (action, id) => changes.named(action, id));
    });
  }
}

/** Sends a request as an operator, without the console. It resolves to the response's body, which is JSON or nothing. */
export const asked = (door, claims = operator) => async (method, path, body) => {
  const raw = body === undefined || typeof body === "string" || body instanceof Uint8Array;
  const headers = { authorization: `Bearer ${token("script", claims)}`, ...(raw ? {} : { "content-type": "application/json" }) };
  const response = await fetch(door.url + path, { method, headers, body: raw ? body : JSON.stringify(body) });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
};

/** Opens the console at a hash such as "#/rows", and signs in with a token of these claims. It returns the page. */
export async function openConsole(browser, door, claims = operator, hash = "", options = {}) {
  const { page } = await browser.device(`${door.url}/console`, "ops", options);
  if (hash !== "") await page.evaluate((hash) => void (location.hash = hash), hash);
  await page.getByLabel("An operator's token").fill(token("ops", claims));
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("navigation", { name: "Pages" }).waitFor();
  return page;
}

/** The looks of a page: light and dark, wide and narrow. */
export const looks = ["light", "dark"].flatMap((colorScheme) =>
  Object.entries({ wide: { width: 1200, height: 800 }, phone: { width: 390, height: 760 } })
    .map(([size, viewport]) => ({ look: `${colorScheme}-${size}`, colorScheme, viewport })));

/** Checks that everyone can use a page, and that nothing is cut off. With SCREENSHOTS=DIR it writes a picture there. */
export async function check(page, name, look) {
  if (pictures) await page.screenshot({ path: path.join(pictures, `console-${name}-${look}.png`), fullPage: true });
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const faults = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${name}: ${id}: ${nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`).join("\n")}`);
  assert.deepEqual(faults, []);
  const [wanted, given] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wanted <= given, `${name} is ${wanted} wide in a window of ${given}`);
}

/** Waits until the page says what was done, and returns the request's id. */
export async function said(page, text) {
  const line = page.getByRole("status", { name: "What was done" }).getByRole("listitem").filter({ hasText: text }).last();
  await line.waitFor();
  return /Request (\S+)/.exec(await line.innerText())?.[1];
}

/** Sends requests from the page with a token of these claims: each gets 403. A request is "GET /path". */
export async function forbidden(page, claims, requests) {
  const got = await page.evaluate(
    ([token, requests]) => Promise.all(requests.map(async (request) => {
      const [method, path] = request.split(" ");
      const { status } = await fetch(path, { method, headers: { authorization: `Bearer ${token}` } });
      return `${request}: ${status}`;
    })),
    [token("nobody", claims), requests],
  );
  assert.deepEqual(got, requests.map((request) => `${request}: 403`));
}

/** Moves the focus by the tab key until it is on an element with this label or text. */
export async function tabTo(page, name) {
  for (let i = 0; i < 80; i++) {
    const label = await page.evaluate(() => {
      const { activeElement: e } = document;
      return e.getAttribute("aria-label") ?? e.labels?.[0]?.innerText ?? e.innerText ?? "";
    });
    if (label.trim().startsWith(name)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`the tab key does not reach ${name}`);
}
