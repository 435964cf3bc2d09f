// A receiver of webhooks. It verifies each with the published library of Standard Webhooks, and keeps what it accepted.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

export const webhookSecret = `whsec_${randomBytes(24).toString("base64")}`;

/**
 * A server at url. events are {id, type, timestamp, data, at} in the order in which they came, attempts are {id, at}
 * with those that were not accepted. respond may be replaced: it returns the status for an event, or nothing to hang.
 */
export class Receiver {
  events = [];
  attempts = [];
  faults = []; // requests that the library did not accept
  respond = () => 204;

  constructor(secret = webhookSecret) {
    this.library = new Webhook(secret);
  }

  async open(port = 0) {
    this.server = createServer(async (request, response) => {
      let body = "";
      for await (const part of request) body += part;
      let event;
      try {
        event = this.library.verify(body, request.headers);
        if (request.method !== "POST" || request.headers["content-type"] !== "application/json") throw new Error(`${request.method} ${request.headers["content-type"]}`);
      } catch (error) {
        this.faults.push(String(error));
        return response.writeHead(400).end();
      }
      event = { id: request.headers["webhook-id"], ...event, at: Date.now() };
      this.attempts.push(event);
      const status = await this.respond(event);
      if (status === undefined) return;
      if (status >= 200 && status < 300) this.events.push(event);
      response.writeHead(status, status === 302 ? { location: "/elsewhere" } : {}).end();
    });
    await new Promise((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}/hook`;
    return this;
  }

  of(type) {
    return this.events.filter((event) => event.type === type);
  }

  close() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}

// variables are those of a host that tells the receiver of changes.
export const variables = (receiver) => ({ WEBHOOK_URL: receiver.url, WEBHOOK_SECRET: webhookSecret, WEBHOOK_ALLOW_PRIVATE: "1" });
