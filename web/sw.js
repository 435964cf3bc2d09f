// The app opens without a network: its files are kept when it is first opened.
// The page itself comes from the network where that has it, so that a new
// version is seen at once; its other files never change under their names.
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
    if (!response.ok) throw new Error(`the network answered ${response.status}`);
    return response;
  };
  event.respondWith(
    pathname === "/"
      ? fresh().catch(async () => (await kept()) ?? Response.error())
      : kept().then((response) => response ?? fetch(event.request)),
  );
});
