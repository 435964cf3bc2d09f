/** The sockets of a test, in their order. */
export const sockets = [];

/** A WebSocket that a test drives. */
export class FakeSocket {
  sent = [];
  readyState = 0;
  constructor(url) {
    this.url = url;
    sockets.push(this);
  }
  send(data) {
    this.sent.push(data);
  }
  close() {
    this.readyState = 3;
  }
  open() {
    this.readyState = 1;
    this.onopen({});
  }
  say(message) {
    this.onmessage({ data: typeof message === "string" ? message : JSON.stringify(message) });
  }
  end(code) {
    this.readyState = 3;
    this.onclose({ code, reason: "" });
  }
}
