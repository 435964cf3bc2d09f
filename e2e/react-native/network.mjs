// A phone's network: React Native's native modules for requests, WebSockets and blobs, on Node. `phone.online` says
// whether the phone has a connection, and `phone.faulty` may deliver a request worse than that.
import { randomUUID } from "node:crypto";
import WebSocket from "ws";

const byApp = new Error("the app aborted the request");

export class Network {
  #requests = new Map(); // AbortController by id
  #sockets = new Map(); // by id
  #blobs = new Map(); // Buffer by id

  /** send gives a message to the app that this network is of. */
  constructor(phone, send) {
    Object.assign(this, { phone, send, emit: (name, payload) => send(["event", name, payload]) });
  }

  modules = {
    Networking: { void: ["sendRequest", "abortRequest", "clearCookies"] },
    WebSocketModule: { void: ["connect", "send", "sendBinary", "ping", "close"] },
    BlobModule: {
      constants: { BLOB_URI_SCHEME: "content", BLOB_URI_HOST: "phone" },
      void: ["addNetworkingHandler", "addWebSocketHandler", "removeWebSocketHandler", "sendOverSocket", "createFromParts", "release"],
    },
    FileReaderModule: { promise: ["readAsText", "readAsDataURL"] },
    ExpoFetch: { void: ["cancel"] },
  };

  /** Ends all requests and sockets: the phone has no connection any more, or the app has ended. */
  cut() {
    for (const controller of this.#requests.values()) controller.abort();
    for (const socket of this.#sockets.values()) socket.terminate();
  }

  Networking = {
    sendRequest: async (method, url, id, headers, { string }, responseType) => {
      const controller = new AbortController();
      this.#requests.set(id, controller);
      try {
        const response = await this.#fetch(url, { method, headers, ...(string === undefined ? {} : { body: string }), signal: controller.signal });
        const body = Buffer.from(await response.arrayBuffer());
        this.emit("didReceiveNetworkResponse", [id, response.status, Object.fromEntries(response.headers), url]);
        this.emit("didReceiveNetworkData", [id, this.#answer(body, responseType)]);
        this.emit("didCompleteNetworkResponse", [id, null]);
      } catch (error) {
        if (controller.signal.reason !== byApp) this.emit("didCompleteNetworkResponse", [id, error.message, false]);
      } finally {
        this.#requests.delete(id);
      }
    },
    abortRequest: (id) => this.#requests.get(id)?.abort(byApp),
    clearCookies() {},
  };

  // fetch fails without a connection, and if the connection ends before the response is there.
  async #fetch(url, init) {
    if (!this.phone.online) throw new Error("Unable to resolve host");
    const response = await (this.phone.faulty ?? ((deliver) => deliver()))(() => fetch(url, init), url);
    if (!this.phone.online) throw new Error("Software caused connection abort");
    return response;
  }

  // What Expo has in place of React Native's fetch: the body of a response is a stream.
  #responses = new Map(); // by id
  ExpoFetch = {
    start: async (id, url, { method, headers }, body) => {
      const controller = new AbortController();
      this.#requests.set(`expo ${id}`, controller);
      const response = await this.#fetch(url, { method, headers, ...(body === null ? {} : { body: Buffer.from(body) }), signal: controller.signal });
      this.#responses.set(id, response);
      const { status, statusText, redirected } = response;
      return { status, statusText, redirected, url, _rawHeaders: [...response.headers] };
    },
    cancel: (id) => this.#requests.get(`expo ${id}`)?.abort(),
    startStreaming: async (id) => {
      void this.#stream(id);
      return null;
    },
    cancelStreaming: (id) => this.#requests.get(`expo ${id}`).abort(),
    text: (id) => this.#responses.get(id).text(),
    arrayBuffer: async (id) => new Uint8Array(await this.#responses.get(id).arrayBuffer()),
  };

  async #stream(id) {
    const emit = (...event) => this.send(["object", id, ...event]);
    try {
      for await (const part of this.#responses.get(id).body) emit("didReceiveResponseData", part);
      emit("didComplete");
    } catch (error) {
      emit("didFailWithError", error.message);
    } finally {
      this.#responses.delete(id);
    }
  }

  #answer(body, type) {
    if (type === "base64") return body.toString("base64");
    if (type !== "blob") return body.toString();
    const blobId = randomUUID();
    this.#blobs.set(blobId, body);
    return { blobId, offset: 0, size: body.length };
  }

  WebSocketModule = {
    connect: (url, protocols, { headers }, id) => {
      const failed = (message) => this.emit("websocketFailed", { id, message });
      if (!this.phone.online || !this.phone.sockets) return void setImmediate(failed, "Unable to resolve host");
      const socket = new WebSocket(url, protocols ?? [], { headers });
      this.#sockets.set(id, socket);
      socket.on("open", () => this.emit("websocketOpen", { id, protocol: socket.protocol }));
      socket.on("message", (data, binary) =>
        this.emit("websocketMessage", binary ? { id, type: "binary", data: data.toString("base64") } : { id, type: "text", data: data.toString() }));
      socket.on("error", (error) => (socket.failure = error.message));
      socket.on("close", (code, reason) => {
        this.#sockets.delete(id);
        if (code === 1006) failed(socket.failure ?? "Software caused connection abort");
        else this.emit("websocketClosed", { id, code, reason: reason.toString() });
      });
    },
    send: (text, id) => this.#sockets.get(id)?.send(text),
    sendBinary: (base64, id) => this.#sockets.get(id)?.send(Buffer.from(base64, "base64")),
    ping: (id) => this.#sockets.get(id)?.ping(),
    close: (code, reason, id) => this.#sockets.get(id)?.close(code, reason),
  };

  BlobModule = {
    addNetworkingHandler() {},
    addWebSocketHandler() {},
    removeWebSocketHandler() {},
    sendOverSocket: ({ blobId }, id) => this.#sockets.get(id)?.send(this.#blobs.get(blobId)),
    createFromParts: (parts, id) => void this.#blobs.set(id, Buffer.concat(parts.map(({ type, data }) => (type === "blob" ? this.#blobs.get(data.blobId) : Buffer.from(data))))),
    release: (id) => void this.#blobs.delete(id),
  };

  FileReaderModule = {
    readAsText: ({ blobId }) => this.#blobs.get(blobId).toString(),
    readAsDataURL: ({ blobId }) => `data:application/octet-stream;base64,${this.#blobs.get(blobId).toString("base64")}`,
  };
}
