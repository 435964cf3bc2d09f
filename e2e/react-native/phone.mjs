// A phone with the app: the native side of React Native, on Node. The app's JavaScript runs in an engine (engines.mjs)
// that has nothing else: neither Node's globals nor a browser's. The test drives the app, and the phone's connection
// and state. The phone's files outlive the app.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Databases } from "./databases.mjs";
import { Network } from "./network.mjs";

const bytes = (_key, value) => (value instanceof Uint8Array ? { $bytes: [...value] } : value);
const arrays = (_key, value) => (value?.$bytes ? new Uint8Array(value.$bytes) : value);

// Modules that React Native must find, and that the tests do not look at.
const constants = {
  PlatformConstants: { isTesting: true, reactNativeVersion: { major: 0, minor: 85, patch: 3, prerelease: null }, Version: 36, Release: "16", uiMode: "normal", Model: "phone" },
  SourceCode: { scriptURL: "file:///app.bundle" },
  DeviceInfo: { Dimensions: { window: { width: 400, height: 800, scale: 2, fontScale: 1 }, screen: { width: 400, height: 800, scale: 2, fontScale: 1 } } },
  I18nManager: {}, UIManager: {},
};

const wifi = { type: "wifi", isConnected: true, isInternetReachable: true, isWifiEnabled: true, details: { isConnectionExpensive: false } };
const nothing = { type: "none", isConnected: false, isInternetReachable: false, isWifiEnabled: true, details: null };

export class Phone {
  online = true;
  sockets = true; // whether WebSockets open
  faulty = undefined; // delivers each request: see the faults of e2e/clients
  state = "active";
  logs = []; // of level warn and error
  #dir = mkdtempSync(path.join(tmpdir(), "tidemark-phone-"));
  #run = null; // of the app, from start() to kill()

  /** engine starts JavaScript: inContext() or inHermes(). */
  constructor(engine) {
    this.engine = engine;
  }

  /** How many rows WatermelonDB's turbo mode has loaded since the start. */
  get turboRows() {
    return this.#run.databases.turboRows;
  }

  async start() {
    const send = (message) => void (this.#run === run && run.engine.receive(JSON.stringify(message, bytes)));
    const run = { send, calls: new Map(), timers: new Map(), last: 0, network: new Network(this, send), databases: new Databases(this.#dir) };
    this.#run = run;
    const natives = [run.network, run.databases, this.#device(run)];
    const modules = Object.assign({}, ...natives.map(({ modules }) => modules));
    for (const [name, values] of Object.entries(constants)) modules[name] = { constants: values };
    const host = (json) => {
      if (this.#run !== run) return undefined; // the app has ended
      const [module, method, args] = JSON.parse(json, arrays);
      const native = natives.find((n) => module in n)[module][method];
      const value = modules[module].value?.includes(method);
      if (value) return JSON.stringify(attempt(() => native(...args)), bytes);
      if (module === "Test" || module === "Timers" || modules[module].void?.includes(method)) return void native(...args);
      const [id, ...rest] = args;
      void (async () => native(...rest))().then((value) => run.send(["settle", id, null, value]), (error) => run.send(["settle", id, error.message]));
      return undefined;
    };
    run.engine = await this.engine(host, modules);
  }

  // #device has the modules of the phone itself.
  #device(run) {
    return {
      modules: {
        AppState: { constants: { initialAppState: this.state }, callbacks: ["getCurrentAppState"] },
        RNCNetInfo: { promise: ["getCurrentState"], void: ["configure"] },
        Log: { void: ["write"] }, ExceptionsManager: { void: ["reportException"] },
        Timers: {}, Test: {},
      },
      AppState: { getCurrentAppState: () => ({ app_state: this.state }) },
      RNCNetInfo: { getCurrentState: () => this.#connection, configure() {} },
      Log: { write: (level, message) => void (level >= 2 && this.logs.push(message)) },
      ExceptionsManager: { reportException: ({ message, stack }) => void this.logs.push(`${message} ${JSON.stringify(stack.slice(0, 3))}`) },
      Timers: {
        start: (id, millis, repeats) => void run.timers.set(id, (repeats ? setInterval : setTimeout)(() => {
          if (!repeats) run.timers.delete(id);
          run.send(["timer", id]);
        }, millis)),
        stop: (id) => (clearTimeout(run.timers.get(id)), void run.timers.delete(id)),
      },
      Test: {
        answer: (id, error, value) => {
          const { resolve, reject } = run.calls.get(id);
          run.calls.delete(id);
          if (error === null) resolve(value);
          else reject(new Error(error));
        },
      },
    };
  }

  get #connection() {
    return this.online ? wifi : nothing;
  }

  #emit(name, payload) {
    this.#run?.send(["event", name, payload]);
  }

  /** Calls a function of the app's entry. */
  call(name, ...args) {
    const run = this.#run;
    const id = ++run.last;
    return new Promise((resolve, reject) => {
      run.calls.set(id, { resolve, reject });
      run.send(["drive", id, name, args]);
    });
  }

  /** Sets whether the phone has a connection. Without `told` the app is not told, as in a tunnel. */
  connect(online, told = true) {
    this.online = online;
    if (!online) this.#run?.network.cut();
    if (told) this.#emit("netInfo.networkStatusDidChange", this.#connection);
  }

  /** Puts the app into the foreground ("active") or the background. */
  show(state) {
    this.state = state;
    this.#emit("appStateDidChange", { app_state: state });
  }

  /** Ends the app at once, as the system does. Calls that have no answer fail. */
  kill() {
    const run = this.#run;
    this.#run = null;
    for (const timer of run.timers.values()) clearTimeout(timer);
    run.network.cut();
    run.databases.close();
    run.engine?.end();
    for (const { reject } of run.calls.values()) reject(new Error("the app was killed"));
  }

  async restart() {
    this.kill();
    await this.start();
  }

  close() {
    if (this.#run) this.kill();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

function attempt(work) {
  try {
    return { value: work() };
  } catch (error) {
    return { error: error.message };
  }
}
