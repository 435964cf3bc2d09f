// The clients of a soak. Each keeps a ledger: what the server acknowledged, and nothing else, is there in the end.
// Each deletes what is old, so that the server holds about the same amount all the time.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import * as Y from "yjs";
import { Client } from "../clients/watermelon.mjs";
import { token } from "../doors.mjs";
import { Team } from "../machines/team.mjs";
import { Client as ProjectClient } from "../projects/client.mjs";
import { until } from "../until.mjs";

const kept = 100; // rows, tasks and words
const lookEvery = 20; // steps, at which a second device pulls
const patienceMillis = 120_000; // longer than any fault
const retryMillis = 200;
const lifeSeconds = 30 * 24 * 3600; // of a token
const expires = () => Math.floor(Date.now() / 1000) + lifeSeconds;
const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

// Work is a loop of steps.
const Work = (Base) =>
  class extends Base {
    steps = 0;

    work(pauseMillis) {
      this.working = true;
      this.worked = (async () => {
        while (this.working) {
          await this.step();
          this.steps++;
          await pause(pauseMillis);
        }
      })();
      this.worked.catch((error) => (this.broken = error));
    }

    // synced syncs until the server takes all, and pauses after a failure.
    async synced(client) {
      const attempt = async () => {
        try {
          await client.sync();
          return true;
        } catch (error) {
          this.failures.push(error.message);
          await pause(retryMillis);
        }
      };
      await until(attempt, () => `${this.name} syncs: ${this.failures.at(-1)}`, patienceMillis);
    }
  };

/** Rows and a document of the root or of a space, on two devices. */
export class Crew extends Work(Team) {
  constructor(url, space) {
    super(url, space, { exp: expires() });
    this.name = space || "the root";
    this.second = new Client(this.at(url), this.token);
    this.text = this.doc.getText("note");
  }

  async step() {
    const id = `${this.space}-${this.steps}`;
    await this.client.create("customers", { id, contact_name: id });
    const old = this.acknowledged.length >= kept && this.acknowledged[0];
    if (old) await this.client.remove("customers", old);
    await this.synced(this.client);
    this.acknowledged.push(id);
    if (old) this.acknowledged.shift();
    this.write(id);
    if (this.written.length > kept) {
      const word = this.written.shift();
      this.text.delete(this.text.length - word.length - 1, word.length + 1);
    }
    if (this.steps % lookEvery === 0) await this.synced(this.second);
    this.closes.length = 0;
  }

  /** Fails unless the server returns the document. */
  async served(url) {
    let found;
    await until(async () => {
      found = await this.stored(url).catch((error) => error);
      return found.words?.length > 0;
    }, () => `${this.name}: the document is served: ${found.refusal ?? found}`, patienceMillis);
  }

  /** Fails unless the server and both devices have exactly what was acknowledged. */
  async check(url) {
    const want = this.acknowledged.toSorted();
    let found;
    await until(async () => {
      found = await this.stored(url).catch((error) => error);
      return found.words && found.words.length === this.written.length;
    }, () => `${this.name}: the document is stored: ${found.refusal ?? found.words?.length ?? found}, want ${this.written.length}`, patienceMillis);
    assert.deepEqual(found.rows.toSorted(), want, `${this.name}: rows of a new device`);
    assert.deepEqual(found.words, this.written.toReversed(), `${this.name}: words of the document`);
    for (const client of [this.client, this.second]) {
      await this.synced(client);
      assert.deepEqual((await client.rows("customers")).map(({ id }) => id).toSorted(), want, `${this.name}: rows of a device`);
    }
    const whole = await fetch(`${this.at(url)}/yjs/note`, { headers: { authorization: `Bearer ${this.token}` } });
    const doc = new Y.Doc();
    Y.applyUpdate(doc, new Uint8Array(await whole.arrayBuffer()));
    assert.equal(doc.getText("note").toString(), this.text.toString(), `${this.name}: the document`);
  }
}

/** The tasks of a project of the root. */
export class ProjectCrew extends Work(Object) {
  failures = [];
  tasks = [];
  id = randomUUID();
  name = "a project";
  token = token("owner", { exp: expires() });

  constructor(url) {
    super();
    this.url = url;
    this.client = new ProjectClient(url, this.token, this.id);
  }

  async begin() {
    const headers = { authorization: `Bearer ${this.token}`, "content-type": "application/json" };
    const made = await fetch(`${this.url}/api/v1/projects/`, { method: "POST", headers, body: JSON.stringify({ id: this.id, name: "Soak" }) });
    assert.equal(made.status, 201, await made.text());
    await this.synced(this.client);
  }

  async step() {
    const name = `task ${this.steps}`;
    const { id } = await this.client.create("tasks", { name, status: "not_started", percent_complete: 0, is_milestone: false, sort_order: this.steps });
    const old = this.tasks.length >= kept && this.tasks[0];
    if (old) await this.client.remove("tasks", old.id);
    await this.synced(this.client);
    this.tasks.push({ id, name });
    if (old) this.tasks.shift();
  }

  async check(url) {
    const reader = new ProjectClient(url, this.token, this.id);
    await this.synced(reader);
    const found = (await reader.rows("tasks")).map(({ id, name }) => ({ id, name }));
    const byID = (a, b) => (a.id < b.id ? -1 : 1);
    assert.deepEqual(found.sort(byID), this.tasks.toSorted(byID), `${this.name}: the tasks`);
  }

  async close() {
    this.working = false;
    await this.worked;
  }

  async rest() {
    await this.close();
  }
}
