// What React Native's native side puts into a JavaScript engine before the app: the native modules, timers, and what
// Expo's native side adds. Metro puts it in front of the bundle, so it runs in every engine. It calls the phone (phone.mjs) only
// by $host: one function that takes JSON, and returns JSON if the engine can wait for an answer ($answers).
(function (global) {
  const { $host: host, $answers: answers, $modules: modules } = global;
  for (const name of ["$host", "$answers", "$modules"]) delete global[name];
  delete global.console; // React Native sets its own
  global.RN$Bridgeless = true;
  global.RN$registerCallableModule = () => {};
  global.nativeLoggingHook = (message, level) => call("Log", "write", [level, message]);

  // Hermes has these of its own since React Native 0.74. Neither V8 nor an older Hermes has them.
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  global.atob = (text) => {
    const bits = Array.from(text.replace(/=+$/, ""), (c) => digits.indexOf(c).toString(2).padStart(6, "0")).join("");
    return (bits.match(/.{8}/g) || []).map((byte) => String.fromCharCode(parseInt(byte, 2))).join("");
  };
  global.TextEncoder = class TextEncoder {
    encode(text = "") {
      return Uint8Array.from(unescape(encodeURIComponent(text)), (c) => c.charCodeAt(0));
    }
  };

  const pending = new Map(); // the functions of calls that have no answer yet, and of timers
  let last = 0;

  // Bytes travel as { $bytes }.
  const write = (_key, value) => {
    if (value instanceof ArrayBuffer) return { $bytes: Array.from(new Uint8Array(value)) };
    return value instanceof Uint8Array ? { $bytes: Array.from(value) } : value;
  };
  const read = (_key, value) => (value !== null && value !== undefined && value.$bytes ? new Uint8Array(value.$bytes).buffer : value);

  function call(module, method, args) {
    const answer = host(JSON.stringify([module, method, args], write));
    if (answer === undefined) return undefined;
    const { error, value } = JSON.parse(answer, read);
    if (error !== undefined) throw new Error(error);
    return value;
  }

  const later = (module, method, args) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      pending.set(id, (error, value) => (pending.delete(id), error === null ? resolve(value) : reject(new Error(error))));
      call(module, method, [id, ...args]);
    });

  // A method is void, or it returns a promise, or its two arguments are callbacks, or it returns its value.
  const kinds = {
    void: (module, method) => (...args) => void call(module, method, args),
    promise: (module, method) => (...args) => later(module, method, args),
    callbacks: (module, method) => (success, failure) => void later(module, method, []).then(success, failure),
    ...(answers && { value: (module, method) => (...args) => call(module, method, args) }),
  };

  function moduleOf(name) {
    const { constants = {}, ...methods } = modules[name];
    const module = { getConstants: () => constants, addListener() {}, removeListeners() {} };
    for (const kind of Object.keys(kinds)) for (const method of methods[kind] || []) module[method] = kinds[kind](name, method);
    return module;
  }

  // The promises of Hermes without a phone are made of its setImmediate().
  const { setImmediate: engine = (work) => void Promise.resolve().then(work) } = global;
  const made = {
    NativeMicrotasksCxx: { queueMicrotask: (work) => void engine(work) },
    NativeReactNativeFeatureFlagsCxx: new Proxy({}, { get: () => () => null }), // each has its default
  };
  global.nativeModuleProxy = new Proxy({}, {
    get: (_target, name) => (name in made ? made[name] : name in modules ? (made[name] = moduleOf(name)) : null),
  });

  const timer = (repeats) => (work, millis, ...args) => {
    const id = ++last;
    pending.set(id, () => {
      if (!repeats) pending.delete(id);
      work(...args);
    });
    call("Timers", "start", [id, Number(millis) || 0, repeats]);
    return id;
  };
  const stop = (id) => {
    if (pending.delete(id)) call("Timers", "stop", [id]);
  };
  Object.assign(global, { setTimeout: timer(false), setInterval: timer(true), clearTimeout: stop, clearInterval: stop, cancelAnimationFrame: stop });
  global.requestAnimationFrame = (work) => global.setTimeout(() => work(Date.now()), 16);
  global.performance = { now: Date.now, mark() {}, measure() {}, clearMarks() {}, clearMeasures() {} };

  // WatermelonDB's native code, of an engine that can wait for it.
  if (answers) {
    made.WMDatabaseJSIBridge = {
      install() {
        global.nativeWatermelonCreateAdapter = (name) =>
          new Proxy({}, { get: (_target, method) => (...args) => call("WatermelonJSI", method, [name, ...args]) });
      },
    };
  }

  // Expo's native classes. An object of the phone has an id, under which the phone emits its events.
  class EventEmitter {
    constructor() {
      this.listeners = new Map();
    }
    addListener(event, listener) {
      this.listeners.set(event, [...(this.listeners.get(event) || []), listener]);
      return { remove: () => this.removeListener(event, listener) };
    }
    removeListener(event, listener) {
      this.listeners.set(event, (this.listeners.get(event) || []).filter((l) => l !== listener));
    }
    removeAllListeners(event) {
      this.listeners.delete(event);
    }
    emit(event, ...args) {
      for (const listener of this.listeners.get(event) || []) listener(...args);
    }
    listenerCount(event) {
      return (this.listeners.get(event) || []).length;
    }
  }
  class SharedObject extends EventEmitter {
    release() {}
  }
  const objects = new Map();
  const values = new WeakMap(); // of responses
  const shared = (module, methods, make = () => {}) => {
    class Shared extends SharedObject {
      constructor(...args) {
        super();
        this.id = ++last;
        objects.set(this.id, this);
        make(this, ...args);
      }
    }
    for (const method of methods) {
      Shared.prototype[method] = function (...args) {
        return later(module, method, [this.id, ...args.map((arg) => (arg instanceof SharedObject ? arg.id : arg))]);
      };
    }
    return Shared;
  };
  const NativeDatabase = shared("ExpoSQLite", ["initAsync", "closeAsync", "execAsync", "isInTransactionAsync", "prepareAsync"], ({ id }, path) => call("ExpoSQLite", "open", [id, path]));
  const NativeStatement = shared("ExpoSQLite", ["runAsync", "stepAsync", "getAllAsync", "resetAsync", "finalizeAsync", "getColumnNamesAsync"]);
  const NativeResponse = shared("ExpoFetch", ["startStreaming", "text", "arrayBuffer", "cancelStreaming"], (response) => values.set(response, {}));
  class NativeRequest extends SharedObject {
    constructor(response) {
      super();
      this.response = response;
    }
    start(...args) {
      return later("ExpoFetch", "start", [this.response.id, ...args]).then((head) => void values.set(this.response, head));
    }
    cancel() {
      call("ExpoFetch", "cancel", [this.response.id]);
    }
  }
  for (const name of ["_rawHeaders", "status", "statusText", "url", "redirected", "bodyUsed"]) {
    Object.defineProperty(NativeResponse.prototype, name, { configurable: true, get() { return values.get(this)[name]; } });
  }
  const fill = (array) => {
    for (let i = 0; i < array.length; i++) array[i] = Math.floor(Math.random() * 2 ** 32);
    return array;
  };
  global.expo = {
    EventEmitter, SharedObject, SharedRef: SharedObject, NativeModule: EventEmitter,
    modules: {
      ExpoSQLite: { NativeDatabase, NativeStatement, NativeSession: SharedObject, defaultDatabaseDirectory: "/documents", ensureDatabasePathExistsAsync: () => Promise.resolve(), addListener: () => ({ remove() {} }) },
      ExpoCrypto: { getRandomValues: fill },
      ExpoAsset: {}, ExponentConstants: {}, ExpoFetchModule: { NativeRequest, NativeResponse },
    },
  };

  // receive takes what the phone sends.
  global.receive = (json) => {
    const [type, ...rest] = JSON.parse(json, read);
    if (type === "event") global.__rctDeviceEventEmitter.emit(rest[0], rest[1]);
    if (type === "timer" && pending.has(rest[0])) pending.get(rest[0])();
    if (type === "settle" && pending.has(rest[0])) pending.get(rest[0])(rest[1], rest[2]);
    if (type === "object") objects.get(rest[0]).emit(...rest.slice(1));
    if (type === "drive") {
      const [id, name, args] = rest;
      Promise.resolve().then(() => global.drive[name](...args)).then(
        (value) => call("Test", "answer", [id, null, value]),
        (error) => call("Test", "answer", [id, String((error && error.stack) || error)]),
      );
    }
  };
})(globalThis);
