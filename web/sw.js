// The app opens without a network: the browser keeps its files at the first visit. The
// page itself comes from the network if possible, so that a new version is seen at once.
// The other files have hashed names and never change.
// The build puts `version` and `files` before this line.
addEventListener("install", (event) => {
  event.waitUntil(caches.open(version).then((cache) => cache.addAll(files)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys().then((names) => Promise.all(names.filter((name) => name !== version).map((name) => caches.delete(name)))),
  );
});

addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== location.origin || !files.includes(pathname)) return;
  const kept = () => caches.match(pathname);
  const fresh = async () => {
    const response = await fetch(event.request, { signal: AbortSignal.timeout(3000) });
    if (!response.ok) throw new Error(`the server returned status ${response.status}`);
    return response;
  };
  event.respondWith(
    pathname === "/"
      ? fresh().catch(async () => (await kept()) ?? Response.error())
      : kept().then((response) => response ?? fetch(event.request)),
  );
});
