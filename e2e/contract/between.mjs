// A proxy before prism. Requests that openapi.json describes go through prism to the server,
// and all others straight to the server.
import { spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../doors.mjs";

const prism = fileURLToPath(new URL("node_modules/.bin/prism", import.meta.url));

// forPrism reports whether prism can pass the request on. Prism rejects a GET with a body,
// waits for ever for a body that is empty or null, crashes on a path that is not UTF-8, and
// changes such a body. It cannot open a WebSocket.
function forPrism({ method, url }, body) {
  try {
    if (!decodeURI(url).startsWith("/api/v1/")) return false;
    if (body.length === 0) return method === "GET" || method === "DELETE";
    const value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body));
    return method !== "GET" && typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}

// between returns { url, judged, close() }. judged counts the requests through prism.
export async function between(server, document, flags) {
  const port = await freePort();
  const child = spawn(prism, ["proxy", document, server, "-p", String(port), "--cors=false", "-v", "error", ...flags], { stdio: ["ignore", "ignore", "inherit"] });
  const ended = once(child, "exit");
  const upstream = new URL(server).port;
  const agent = new http.Agent({ keepAlive: false });
  const proxy = {
    judged: 0,
    async close() {
      front.closeAllConnections();
      front.close();
      child.kill("SIGKILL");
      await ended;
    },
  };

  const front = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const judge = forPrism(request, body);
    if (judge) proxy.judged++;
    const headers = { ...request.headers };
    delete headers["transfer-encoding"];
    if (body.length > 0 || headers["content-length"]) headers["content-length"] = body.length;
    const { method, url } = request;
    const onward = http.request({ host: "127.0.0.1", port: judge ? port : upstream, method, path: url, headers, agent }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    onward.end(body);
  });
  front.on("upgrade", (request, socket, head) => {
    const onward = net.connect(upstream, "127.0.0.1", () => {
      const lines = request.rawHeaders.map((word, i) => (i % 2 ? `${word}\r\n` : `${word}: `));
      onward.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines.join("")}\r\n`);
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
  });

  let code;
  ended.then(([c]) => (code = c ?? -1));
  for (;;) {
    if (code !== undefined) throw new Error(`prism ended with ${code}`);
    if (await fetch(`http://127.0.0.1:${port}/api/v1/openapi.json`).then((r) => r.ok, () => false)) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  front.listen(0, "127.0.0.1");
  await once(front, "listening");
  proxy.url = `http://127.0.0.1:${front.address().port}`;
  return proxy;
}
