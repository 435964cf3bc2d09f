// yjs reads restored documents. A document must show what its version shows, to a server
// and to a client that tidies formats.
import * as Y from 'yjs'
import assert from 'node:assert/strict'
import { serverDoc } from './server.mjs'

const kinds = { text: 'getText', ré: 'getText', arr: 'getArray', map: 'getMap', xml: 'getXmlFragment' }

// shown returns everything that a value shows, with formats and attributes.
const shown = value => {
  if (value instanceof Y.Doc) return { doc: value.guid }
  if (value instanceof Y.Text) return { delta: value.toDelta().map(op => ({ ...op, insert: shown(op.insert) })), attributes: attributes(value) }
  if (value instanceof Y.XmlElement) return { name: value.nodeName, attributes: attributes(value), children: value.toArray().map(shown) }
  if (value instanceof Y.XmlHook || value instanceof Y.Map) return { map: Object.fromEntries([...value.entries()].sort().map(([key, v]) => [key, shown(v)])) }
  if (value instanceof Y.AbstractType) return value.toArray().map(shown)
  return value
}

const attributes = type => Object.fromEntries(Object.entries(type.getAttributes()).sort().map(([key, v]) => [key, shown(v)]))

const roots = doc => Object.fromEntries(Object.entries(kinds).map(([name, get]) => [name, shown(doc[get](name))]))

// restored applies update to a document of state and compares it with version.
export const restored = (state, version, update, gc, about) => {
  const want = serverDoc(gc)
  Y.applyUpdate(want, version)
  for (const doc of [serverDoc(gc), new Y.Doc({ gc })]) {
    roots(doc) // a client has its types before the document comes
    Y.applyUpdate(doc, state)
    if (update.length > 0) Y.applyUpdate(doc, update)
    assert.deepEqual(roots(doc), roots(want), `${about}: restored`)
  }
}
