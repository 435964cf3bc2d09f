const listeners = new Set<() => void>();

/** Calls the listener when the unsaved rooms may have changed, and returns a function that stops. */
export function onUnsavedChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function unsavedChanged() {
  for (const listener of listeners) listener();
}
