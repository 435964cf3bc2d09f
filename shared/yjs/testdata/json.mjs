// Writes random sessions of three clients of the pinned yjs, with what its types
// give as JSON, to json-<version of yjs>.json beside this file:
//
//	node shared/yjs/testdata/json.mjs
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(new URL('../../../e2e/package.json', import.meta.url))
const Y = require('yjs')
const { version } = require('yjs/package.json')

const base64 = bytes => Buffer.from(bytes).toString('base64')

// mulberry32: the same sessions in every run.
const random = seed => () => {
  seed = seed + 0x6D2B79F5 | 0
  let t = Math.imul(seed ^ seed >>> 15, 1 | seed)
  t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t
  return ((t ^ t >>> 14) >>> 0) / 4294967296
}

const open = doc => ({
  text: doc.getText('text'),
  array: doc.getArray('array'),
  map: doc.getMap('map'),
  xml: doc.getXmlFragment('xml'),
  xmltext: doc.get('xmltext', Y.XmlText)
})

function session (seed) {
  const next = random(seed)
  const below = n => Math.floor(next() * n)
  const pick = list => list[below(list.length)]
  const string = () => pick(['a', 'bc', 'é', '日本', '😀', '\n', '"\\\u0001', '</b>', 'x y'])
  const scalar = () => pick([null, true, false, 0, -0, 1, -70, 0.5, 1e21, 1e-7, 2 ** 31, 2 ** 53 - 1, NaN, -Infinity, undefined, string(), string()])
  const value = () => pick([scalar, scalar, scalar,
    () => [scalar(), [scalar()], {}], () => ({ k: scalar(), '2': scalar(), '1': [scalar()] }), () => new Uint8Array([below(256), 0])])()
  const type = () => pick([
    () => new Y.Text(string()), () => Y.Array.from([scalar() ?? null]), () => new Y.Map([['in', scalar()]]),
    () => new Y.XmlElement('P'), () => new Y.XmlText(string()), () => new Y.XmlFragment()
  ])()
  const node = () => pick([() => new Y.XmlElement(pick(['P', 'Div'])), () => new Y.XmlText(string())])()
  const formats = () => pick([{ bold: true }, { bold: null }, { a: { href: string(), n: 0.5 } }, { a: null }, { i: 'xy' }, { list: [1, [null, 2], string()] }])
  const at = list => below(list.length + 1)
  const inside = root => {
    // Any type below root, root included.
    const all = [root]
    const walk = t => {
      const children = t instanceof Y.Map ? [...t.values()] : t instanceof Y.Text ? [] : t.toArray()
      for (const c of children) if (c instanceof Y.AbstractType) { all.push(c); walk(c) }
    }
    walk(root)
    return pick(all)
  }
  const write = t => {
    if (t instanceof Y.Text) {
      const what = below(6)
      if (what < 2) t.insert(at(t), string(), pick([undefined, formats()]))
      else if (what === 2 && t.length > 1) t.format(below(t.length - 1), 1 + below(2), formats())
      else if (what === 3) t.insertEmbed(at(t), pick([{ img: string() }, new Y.Map(), new Y.XmlElement('Em')]))
      else if (t.length > 0) t.delete(below(t.length), 1)
    } else if (t instanceof Y.Map) {
      const key = pick(['a', 'b', 'ключ', '1'])
      const what = below(6)
      if (what < 3) t.set(key, value())
      else if (what < 5) t.set(key, pick([type, () => new Y.Doc()])())
      else t.delete(key)
    } else if (t instanceof Y.XmlElement && below(3) === 0) {
      t.setAttribute(pick(['class', 'id', 'N']), pick([string(), 7, true, null, [1, null, 'x'], { o: 1 }]))
    } else if (below(5) === 0 && t.length > 0) {
      t.delete(below(t.length), 1)
    } else if (t instanceof Y.XmlFragment) {
      t.insert(at(t), [node()])
    } else {
      t.insert(at(t), pick([() => [value() ?? null], () => [scalar() ?? null, 1, scalar() ?? null], () => [type()]])())
    }
  }

  const ids = [7, 300, 2 ** 53 - 1 - below(100)]
  const docs = ids.map(id => {
    const doc = new Y.Doc()
    doc.clientID = id
    return doc
  })
  const updates = []
  const late = docs.map(() => [])
  docs.forEach((doc, i) => doc.on('update', (update, origin) => {
    if (origin === 'remote') return
    updates.push(update)
    late.forEach((queue, j) => { if (i !== j) queue.push(update) })
  }))
  for (let n = 0; n < 40; n++) {
    const i = below(3)
    if (below(3) === 0) for (const update of late[i].splice(0)) Y.applyUpdate(docs[i], update, 'remote')
    docs[i].transact(() => write(inside(pick(Object.values(open(docs[i]))))))
  }
  // Some come late, twice, or in the wrong order.
  for (let n = 0; n < updates.length; n += 5) {
    const i = below(updates.length)
    const j = below(updates.length)
    ;[updates[i], updates[j]] = [updates[j], updates[i]]
    updates.push(updates[i])
  }
  const server = new Y.Doc()
  for (const update of updates) Y.applyUpdate(server, update)
  const state = Y.encodeStateAsUpdate(server)
  const roots = open(server)
  const json = Object.fromEntries(Object.entries(roots).map(([name, t]) => [name, JSON.stringify(t.toJSON())]))
  return { seed, updates: updates.map(base64), state: base64(state), json, text: roots.text.toString() }
}

const sessions = []
for (let seed = 1; seed <= 30; seed++) sessions.push(session(seed))
const file = new URL(`json-${version}.json`, import.meta.url)
writeFileSync(file, '[\n' + sessions.map(s => JSON.stringify(s)).join(',\n') + '\n]\n')
