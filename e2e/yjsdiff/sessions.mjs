// Random sessions of several yjs clients, one JSON line each:
//
//	node sessions.mjs <first seed> <seconds>
//
// A session is the updates that a server gets, shuffled, merged, repeated or lost, and the
// results of a yjs document: the event of each update, and at the end state, state vector
// and difference. The same seed gives the same line.
import * as Y from 'yjs'
import { dice } from './dice.mjs'
import { serverDoc } from './server.mjs'

const base64 = bytes => Buffer.from(bytes).toString('base64')

const plain = ['a', 'b ', '\n', 'héllo', '日本', 'Ω≈ç', '\ufeffx', '"\\\u0001', '']
const astral = ['😀', 'a😀b', '👨‍👩‍👧', '\ud83d', '\ude00x', '🏳️‍🌈z']
const values = [
  null, true, false, 0, -0, 1, -1, 63, 64, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 53 - 1, 0.5, Math.PI, 1e300, -1e-7,
  NaN, Infinity, [undefined, 10n, -(2n ** 63n)], '', 'x', '日本', new Uint8Array([0, 255]), [], {}, [1, [2, [null]]],
  { b: 1, a: { c: [true] } }, { 2: 'two', 1: 'one', x: '😀' }
]
const json = [null, true, 'red', '"\\\n', 7, -1.5, 1e21, 0.1, [], {}, { a: 1 }, { 10: 'x', 9: [1, { z: null }] }, ['x', 2 ** 31]]

// One edit of a random type of doc, by the client's dice.
const edit = (d, doc, strings) => {
  const types = [doc.getText('text'), doc.getText('ré'), doc.getArray('arr'), doc.getMap('map'), doc.getXmlFragment('xml')]
  let type = d.pick(types)
  for (let depth = d.int(3); depth > 0; depth--) {
    const inner = []
    for (const item of type instanceof Y.Map ? type._map.values() : Y.getTypeChildren(type)) {
      if (!item.deleted && item.content instanceof Y.ContentType) inner.push(item.content.type)
    }
    if (inner.length > 0) type = d.pick(inner)
  }
  const nested = () => d.pick([() => new Y.Map([['k', d.pick(values)]]), () => Y.Array.from([1, 'x']), () => new Y.Text(d.pick(strings)),
    () => new Y.XmlElement('p'), () => new Y.XmlText('x'), () => new Y.XmlFragment(), () => new Y.XmlHook('hook'),
    () => new Y.Doc({ guid: 'sub' + d.int(9), autoLoad: d.chance(0.5), meta: d.pick([null, { a: 1 }]) })])()
  const value = () => d.chance(0.3) ? nested() : d.pick(values)
  const remove = () => {
    if (type.length === 0) return
    const at = d.int(type.length)
    type.delete(at, 1 + d.int(Math.min(4, type.length - at)))
  }
  if (type instanceof Y.XmlElement && d.chance(0.3)) {
    type.setAttribute(d.pick(['a', 'b']), d.pick(json))
  } else if (type instanceof Y.Text) { // XmlText too
    const at = d.int(type.length + 1)
    switch (d.int(8)) {
      case 0: return remove()
      case 1: return type.insertEmbed(at, d.pick([{ img: 'u' }, { a: [1, null, '😀'] }, { 1: 'x' }]))
      case 2: return type.format(d.int(type.length + 1), d.int(3), { [d.pick(['bold', 'c'])]: d.pick(json) })
      case 3: return type.insert(at, d.pick(strings), { bold: d.pick([true, null]) })
    }
    type.insert(at, d.pick(strings))
  } else if (type instanceof Y.Map) {
    const key = d.pick(['k1', 'k2', 'k3', '', '日本'])
    d.chance(0.2) ? type.delete(key) : type.set(key, d.chance(0.1) ? d.pick([undefined, 10n]) : value())
  } else if (type instanceof Y.XmlFragment) {
    d.chance(0.3) ? remove() : type.insert(d.int(type.length + 1), [d.pick([new Y.XmlElement(d.pick(['p', 'div'])), new Y.XmlText('x'), new Y.XmlHook('h')])])
  } else if (type instanceof Y.Array) {
    switch (d.int(5)) {
      case 0: return remove()
      case 1: return legacy(d, type)
    }
    type.insert(d.int(type.length + 1), Array.from({ length: 1 + d.int(3) }, value))
  }
}

// legacy inserts JSON content at the front, as yjs did before 13 and still reads.
const legacy = (d, type) => type.doc.transact(tr => {
  const { store, clientID } = type.doc
  const right = type._start
  if (type._searchMarker) type._searchMarker.length = 0
  new Y.Item(Y.createID(clientID, Y.getState(store, clientID)), null, null, right, right && right.id, type, null,
    new Y.ContentJSON([d.pick(json), undefined, d.pick(json)].slice(0, 1 + d.int(3)))).integrate(tr, 0)
})

const session = seed => {
  const d = dice(seed)
  const gc = d.chance(0.7)
  // A repeat whose origin lies inside a surrogate pair damages the pair in yjs,
  // and not here: a session has repeats or pairs.
  const repeats = d.chance(0.5)
  const lossy = d.chance(0.2)
  const strings = repeats ? plain : plain.concat(astral)
  const ids = d.shuffle([1 + d.int(127), 2 ** 32 - 1 - d.int(9), 2 ** 53 - 1 - d.int(9), 1000 + d.int(1e9), 128])
  const docs = ids.slice(0, 2 + d.int(3)).map(id => {
    const doc = new Y.Doc({ gc: d.chance(0.8) })
    doc.clientID = id
    doc.inbox = []
    return doc
  })
  const sent = []
  for (const doc of docs) {
    doc.on('update', (update, origin) => {
      if (origin === 'net') return
      sent.push(update)
      for (const other of docs) if (other !== doc) other.inbox.push(update)
    })
  }
  const receive = doc => {
    for (const update of d.shuffle(doc.inbox.splice(0))) d.chance(0.1) ? doc.inbox.push(update) : Y.applyUpdate(doc, update, 'net')
  }
  for (let n = 5 + d.int(60); n > 0; n--) {
    const doc = d.pick(docs)
    if (d.chance(0.25)) receive(doc)
    d.chance(0.2) ? doc.transact(() => { for (let k = d.int(5); k >= 0; k--) edit(d, doc, strings) }) : edit(d, doc, strings)
  }

  // The updates that the server gets.
  let updates = d.chance(0.6) ? sent.slice() : d.shuffle(sent.slice())
  if (lossy) updates = updates.filter(() => d.chance(0.9))
  for (let i = 0; i + 1 < updates.length; i++) {
    if (d.chance(0.1)) updates.splice(i, 1, Y.mergeUpdates(updates.splice(i, 1 + d.int(3))))
  }
  if (repeats) {
    for (let k = d.int(updates.length + 1); k > 0; k--) updates.splice(d.int(updates.length), 0, d.pick(updates))
    if (d.chance(0.3)) updates.splice(d.int(updates.length), 0, Y.encodeStateAsUpdate(d.pick(docs)))
  }
  if (updates.length === 0) updates.push(new Uint8Array([0, 0]))

  const server = serverDoc(gc)
  let event = null
  server.on('update', update => { event = update })
  const events = updates.map(update => {
    event = null
    Y.applyUpdate(server, update)
    return event && base64(event)
  })
  const state = Y.encodeStateAsUpdate(server)
  const from = Y.encodeStateVector(d.pick(docs))
  const merged = Y.mergeUpdates(updates)
  const some = d.shuffle(updates.slice()).slice(0, 2)
  const pending = server.store.pendingStructs !== null || server.store.pendingDs !== null
  return {
    seed,
    gc,
    pending,
    updates: updates.map(base64),
    events,
    state: base64(state),
    stateV2: base64(Y.encodeStateAsUpdateV2(server)),
    stateVector: base64(Y.encodeStateVector(server)),
    from: base64(from),
    diff: base64(Y.encodeStateAsUpdate(server, from)),
    json: roots(server), // before the text makes a root
    text: server.getText('text').toString(),
    merged: base64(merged),
    mergedV2: base64(Y.convertUpdateFormatV1ToV2(merged)),
    mergedVector: base64(Y.encodeStateVectorFromUpdate(merged)),
    mergedDiff: base64(Y.diffUpdate(merged, from)),
    some: some.map(base64),
    someMerged: base64(Y.mergeUpdates(some)),
    someMergedV2: base64(Y.mergeUpdatesV2(some.map(Y.convertUpdateFormatV1ToV2))),
    mergedMeta: meta(merged)
  }
}

// The roots that were used, each as JSON, with bigints as numbers.
const roots = doc => {
  const kinds = { text: 'getText', ré: 'getText', arr: 'getArray', map: 'getMap', xml: 'getXmlFragment' }
  const number = (_, v) => typeof v === 'bigint' ? JSON.rawJSON(String(v)) : v
  return Object.fromEntries([...doc.share.keys()].sort().map(name => [name, JSON.stringify(doc[kinds[name]](name).toJSON(), number)]))
}

const meta = update => {
  const { from, to } = Y.parseUpdateMeta(update)
  return [...from].map(([client, clock]) => [client, clock, to.get(client)])
}

const [first, seconds] = process.argv.slice(2).map(Number)
const end = Date.now() + seconds * 1000
for (let seed = first; Date.now() < end; seed++) {
  const line = JSON.stringify(session(seed)) + '\n'
  if (!process.stdout.write(line)) await new Promise(resolve => process.stdout.once('drain', resolve))
}
