// Writes documents of the pinned yjs, one of every kind of content, to
// documents-<version of yjs>.json beside this file:
//
//	node shared/yjs/testdata/documents.mjs
//
// Run it when the pin in e2e/package.json changes, and keep the older files: what
// was stored then must be read now.
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(new URL('../../../e2e/package.json', import.meta.url))
const Y = require('yjs')
const { version } = require('yjs/package.json')

const base64 = bytes => Buffer.from(bytes).toString('base64')

const documents = []

/** Lets clients edit one after the other, each knowing the edits before. */
const document = (name, { gc = true, clients = [1], lost = [] }, ...edits) => {
  const docs = clients.map(id => {
    const doc = new Y.Doc({ gc })
    doc.clientID = id
    return doc
  })
  const updates = []
  let state = new Uint8Array([0, 0])
  edits.forEach((edit, n) => {
    const doc = docs[n % docs.length]
    Y.applyUpdate(doc, state)
    doc.once('update', update => { if (!lost.includes(n)) updates.push(update) })
    doc.transact(() => edit(doc))
    state = Y.encodeStateAsUpdate(doc)
  })
  const server = new Y.Doc({ gc })
  for (const update of updates) Y.applyUpdate(server, update)
  state = Y.encodeStateAsUpdate(server)
  documents.push({
    name,
    gc,
    updates: updates.map(base64),
    merged: base64(Y.mergeUpdates(updates)),
    state: base64(state),
    stateV2: base64(Y.encodeStateAsUpdateV2(server)),
    stateVector: base64(Y.encodeStateVector(server)),
    text: server.getText('text').toString()
  })
}

const text = doc => doc.getText('text')

document('text', {}, d => text(d).insert(0, 'hello'), d => text(d).insert(5, ' wörld €'), d => text(d).delete(1, 3))
document('text of surrogate pairs', { clients: [1, 2] },
  d => text(d).insert(0, 'a😀b'), d => text(d).insert(2, 'x'), d => text(d).delete(0, 2), d => text(d).insert(1, '👨‍👩‍👧'))
document('formats and embeds', { gc: false },
  d => text(d).insert(0, 'bold text', { bold: true }), d => text(d).format(0, 4, { bold: null, color: { r: 1, g: [0.5, null] } }),
  d => text(d).insertEmbed(2, { image: 'u"\\\n', size: 1e21 }))
document('array of every value', {}, d => d.getArray('array').insert(0, [
  null, true, false, 0, -0, 63, -64, 2 ** 31 - 1, -(2 ** 31), 2 ** 53 - 1, 0.5, Math.PI, NaN, -Infinity, '', '日本😀', [], {},
  [undefined, [10n, -(2n ** 63n)]], { z: 1, a: { 2: 'two', 1: 'one' } }
]), d => d.getArray('array').insert(3, [new Uint8Array([0, 255])]), d => d.getArray('array').delete(1, 5))
document('map of values set again', {}, ...[1, 'two', undefined, [3], { four: 4 }].map(v => d => d.getMap('map').set('key', v)),
  d => d.getMap('map').delete('key'), d => d.getMap('map').set('', 6))
document('types in types', { clients: [7, 2 ** 32 - 1] },
  d => d.getMap('map').set('list', Y.Array.from([new Y.Map([['deep', new Y.Text('text')]]), 1])),
  d => d.getMap('map').get('list').get(0).get('deep').insert(4, ' more'),
  d => d.getMap('map').get('list').insert(0, [new Y.Array(), new Y.Text('x')]),
  d => d.getMap('map').delete('list'))
document('XML', {}, d => {
  const p = new Y.XmlElement('p')
  p.insert(0, [new Y.XmlText('text'), new Y.XmlElement('br'), new Y.XmlHook('hook')])
  d.getXmlFragment('xml').insert(0, [p, new Y.XmlText('é')])
}, d => d.getXmlFragment('xml').get(0).setAttribute('class', 'a'), d => d.getXmlFragment('xml').get(0).get(0).insert(0, 'x', { em: {} }),
d => d.getXmlFragment('xml').get(0).delete(1, 1))
document('documents in a document', {}, d => {
  d.getMap('map').set('sub', new Y.Doc({ guid: 'sub-1', autoLoad: true, meta: { a: [1] } }))
  d.getMap('map').set('other', new Y.Doc({ guid: 'sub-2', gc: false }))
})
document('legacy JSON', {}, d => d.transact(tr => {
  const type = d.getArray('array')
  new Y.Item(Y.createID(1, 0), null, null, null, null, type, null, new Y.ContentJSON([{ a: 1 }, undefined, 'x'])).integrate(tr, 0)
}))
document('largest client', { clients: [2 ** 53 - 1, 1] }, d => text(d).insert(0, 'a'), d => text(d).insert(1, 'b'), d => text(d).insert(1, 'c'))
document('an update is missing', { clients: [5], lost: [1] },
  d => text(d).insert(0, 'one '), d => text(d).insert(4, 'two '), d => text(d).insert(8, 'three'), d => text(d).delete(0, 6))
document('nothing', {}, d => text(d))

const file = new URL(`documents-${version}.json`, import.meta.url)
writeFileSync(file, '[\n' + documents.map(d => JSON.stringify(d)).join(',\n') + '\n]\n')
