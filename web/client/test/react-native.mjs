// Makes this process lack what React Native lacks, and has its remains behave as React Native's do. The list is from
// React Native 0.85 (Libraries/Core/setUpXHR.js, src/private/setup) and Hermes; examples/react-native runs on their own code.
const missing = [
  "crypto", "Crypto", "CryptoKey", "SubtleCrypto", "DOMException", "TextDecoder", "structuredClone", "FinalizationRegistry", "MessageChannel",
  "MessageEvent", "BroadcastChannel", "ReadableStream", "WritableStream", "TransformStream", "CompressionStream", "EventSource", "indexedDB",
  "IDBKeyRange", "localStorage", "sessionStorage", "document", "location", "addEventListener", "removeEventListener", "CloseEvent", "Navigator",
];

/** A fetch as React Native's: the whole response is there, or nothing is; no stream, and no reason of an end. */
export class Phone {
  sockets = [];
  respond = async () => ({});

  install() {
    for (const name of missing) delete globalThis[name];
    const phone = this;
    globalThis.window = globalThis.self = globalThis;
    Object.defineProperty(globalThis, "navigator", { value: { product: "ReactNative" }, configurable: true });
    globalThis.AbortController = class {
      signal = { aborted: false, listeners: [], addEventListener: (_, listener) => this.signal.listeners.push(listener), removeEventListener() {} };
      abort() {
        if (this.signal.aborted) return;
        this.signal.aborted = true;
        for (const listener of this.signal.listeners) listener();
      }
    };
    for (const name of ["AbortSignal", "FormData", "Headers", "Request"]) globalThis[name] = class {};
    globalThis.Blob = class {
      constructor(parts = []) {
        if (parts.some((part) => typeof part !== "string")) throw new Error("Creating blobs from 'ArrayBuffer' and 'ArrayBufferView' are not supported");
      }
    };
    globalThis.Response = class {
      constructor() {
        throw new Error("nobody but fetch() makes a response");
      }
    };
    globalThis.fetch = async (url, init) => {
      const answer = await phone.respond(String(url), init);
      const text = JSON.stringify(answer);
      return { ok: true, status: 200, headers: { get: () => null }, text: async () => text, json: async () => JSON.parse(text) };
    };
    globalThis.WebSocket = class {
      #binaryType;
      readyState = 0;
      sent = [];
      constructor(url) {
        this.url = url;
        phone.sockets.push(this);
      }
      set binaryType(type) {
        if (type !== "arraybuffer") throw new Error("Native module BlobModule is required for blob support");
        this.#binaryType = type;
      }
      get binaryType() {
        return this.#binaryType;
      }
      send(data) {
        if (this.readyState === 0) throw new Error("INVALID_STATE_ERR");
        this.sent.push(data);
      }
      // Android closes only a socket that is open.
      close() {
        if (this.readyState === 1) this.readyState = 2;
      }
      open() {
        if (this.readyState === 0) this.readyState = 1;
        this.onopen?.({ type: "open" });
      }
    };
    return this;
  }
}
