// The people of one space: a WatermelonDB client, which syncs by @trpc/client, and a
// y-websocket client. Each tries again until its server is there.
import { WebSocket } from "ws";
import * as Y from "yjs";
import { WebsocketProvider } from "y-websocket";
import { token } from "../doors.mjs";
import { Client } from "../clients/watermelon.mjs";
import { until } from "../until.mjs";

export const scope = "sync:read sync:write yjs:read yjs:write";

export class Team {
  acknowledged = [];
  written = []; // words of the document
  failures = [];
  closes = []; // of the y-websocket client's socket

  // claims are more claims of the token.
  constructor(url, space, claims) {
    Object.assign(this, { url, space, token: token("ann", { spaces: { [space]: scope }, ...claims }) });
    this.client = new Client(this.at(url), this.token);
    this.doc = new Y.Doc();
    this.provider = new WebsocketProvider(`${this.at(url).replace("http", "ws")}/yjs`, "note", this.doc, {
      WebSocketPolyfill: WebSocket, disableBc: true, params: { token: this.token }, maxBackoffTime: 200,
    });
    this.provider.on("connection-close", (event) => this.closes.push(event?.code));
  }

  // at returns where a server has the space; "" is the root.
  at(url) {
    return this.space === "" ? url : `${url}/s/${this.space}`;
  }

  // step writes a row until the server acknowledges it, and a word of the document.
  async step() {
    const id = `${this.space}-${this.acknowledged.length}`;
    await this.client.create("customers", { id, contact_name: id });
    await until(() => this.client.sync().then(() => true, (error) => void this.failures.push(error.message)), `the row ${id} is pushed: ${this.failures.at(-1)}`);
    this.acknowledged.push(id);
    this.write(id);
  }

  // write writes a word into the document.
  write(word) {
    this.written.push(word);
    this.doc.getText("note").insert(0, `${word} `);
  }

  work() {
    this.working = true;
    this.worked = (async () => {
      while (this.working) {
        await this.step();
        await new Promise((resolve) => setTimeout(resolve, 30)); // people pause
      }
    })();
  }

  forget() {
    this.failures = [];
    this.closes = [];
  }

  async rest() {
    this.working = false;
    await this.worked;
  }

  // stored returns the ids of the rows and the words of the document that a server has. Where the server returns no
  // document, there are no words, and refusal is its status and body.
  async stored(url = this.url) {
    const reader = new Client(this.at(url), this.token);
    await reader.sync();
    const response = await fetch(`${this.at(url)}/yjs/note?format=text&name=note`, { headers: { authorization: `Bearer ${this.token}` } });
    const body = await response.text();
    const rows = (await reader.rows("customers")).map((row) => row.id);
    return response.ok ? { rows, words: body.split(" ").filter(Boolean) } : { rows, words: [], refusal: `${response.status} ${body}` };
  }

  // lost returns which rows that were acknowledged, and which words, a server does not have.
  async lost(url) {
    const { rows, words } = await this.stored(url);
    return { rows: this.acknowledged.filter((id) => !rows.includes(id)), words: this.written.filter((id) => !words.includes(id)) };
  }

  async close() {
    await this.rest();
    this.provider.destroy();
    this.doc.destroy();
  }
}
