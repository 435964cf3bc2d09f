/**
 * Calls a function with whether the provider has all of the document: when it has synchronized, and when its connection ends.
 * y-websocket emits "sync" for both; Hocuspocus' provider emits "synced" for the first and "close" for the second.
 * @param {{synced: boolean, on: (event: string, listener: () => void) => void}} provider
 * @param {(synced: boolean) => void} tell
 */
export function onSynced(provider, tell) {
  let told;
  const changed = () => provider.synced !== told && tell((told = provider.synced));
  for (const event of ["sync", "synced", "close"]) provider.on(event, changed);
}
