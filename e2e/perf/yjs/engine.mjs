// Runs the Yjs benchmark on one engine (yjs, ywasm or tidemark) in a process of
// its own and prints the figures as JSON. Times in ms, keystrokes in us, memory
// in bytes. Long runs are times of the main thread on the CPU, short ones the
// lower quartile of many: other work on the machine hardly shows. Usage: node --expose-gc engine.mjs ENGINE DATA [GUEST.wasm WASM_EXEC.js]
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { performance } from 'node:perf_hooks'

const [engine, data, guest, wasmExec] = process.argv.slice(2)
const file = name => gunzipSync(readFileSync(`${data}/${name}`))

function log (name) {
  const b = file(name)
  const updates = []
  for (let i = 0; i < b.length;) {
    let n = 0
    let shift = 1
    for (;;) {
      const c = b[i++]
      n += (c & 127) * shift
      if (c < 128) break
      shift *= 128
    }
    updates.push(new Uint8Array(b.subarray(i, i + n)))
    i += n
  }
  return updates
}

const engines = {
  async yjs () {
    const Y = await import('yjs')
    let doc, event
    const open = () => {
      doc = new Y.Doc()
      doc.on('update', e => { event = e })
    }
    open()
    return {
      open,
      // A document without a listener produces no event.
      openQuiet: () => { doc = new Y.Doc() },
      apply: u => { Y.applyUpdate(doc, u); return event },
      load: u => Y.applyUpdate(doc, u),
      encode: sv => Y.encodeStateAsUpdate(doc, sv),
      stateVector: () => Y.encodeStateVector(doc),
      merge: Y.mergeUpdates,
      keep: kept => kept.push(doc),
      memory: () => { globalThis.gc(); globalThis.gc(); return process.memoryUsage().heapUsed }
    }
  },
  async ywasm () {
    // Its memory is not exported: catch it where it is instantiated.
    let memory
    const Instance = WebAssembly.Instance
    WebAssembly.Instance = function (module, imports) {
      const instance = new Instance(module, imports)
      memory = instance.exports.memory
      return instance
    }
    const Y = (await import('ywasm')).default
    let doc, event
    return {
      open: () => { doc = new Y.YDoc({}); doc.onUpdate(e => { event = e }) },
      openQuiet: () => { doc = new Y.YDoc({}) },
      apply: u => { Y.applyUpdate(doc, u); return event },
      load: u => Y.applyUpdate(doc, u),
      encode: sv => Y.encodeStateAsUpdate(doc, sv),
      stateVector: () => Y.encodeStateVector(doc),
      keep: kept => kept.push(doc),
      memory: () => memory.buffer.byteLength
    }
  },
  async tidemark () {
    await import(wasmExec)
    const go = new globalThis.Go()
    const { instance } = await WebAssembly.instantiate(readFileSync(guest), go.importObject)
    go.run(instance)
    const x = instance.exports
    let view = new Uint8Array(x.mem.buffer)
    let words = new Uint32Array(x.mem.buffer)
    const output = x.output() >> 2
    let room = 0
    let at = 0
    // Views are detached, and of length 0, once the memory has grown.
    const look = () => {
      if (view.length > 0) return
      view = new Uint8Array(x.mem.buffer)
      words = new Uint32Array(x.mem.buffer)
    }
    const reserve = n => {
      if (n > room) {
        room = Math.max(2 * n, 4096)
        at = x.reserve(room)
      }
      look()
    }
    const put = bytes => {
      reserve(bytes.length)
      view.set(bytes, at)
      return bytes.length
    }
    // The updates as a log.
    const putAll = updates => {
      reserve(updates.reduce((n, u) => n + u.length + 5, 0))
      let to = at
      for (const u of updates) {
        let n = u.length
        for (; n >= 128; n >>>= 7) view[to++] = n & 127 | 128
        view[to++] = n
        view.set(u, to)
        to += u.length
      }
      return to - at
    }
    const take = n => {
      if (n < 0) throw new Error('refused')
      look()
      const from = words[output]
      return view.slice(from, from + n)
    }
    return {
      open: x.fresh,
      openQuiet: x.fresh,
      apply: u => take(x.apply(put(u))),
      load: u => { if (x.load(put(u)) < 0) throw new Error('refused') },
      encode: sv => take(x.encode(sv ? put(sv) : 0)),
      encodeAgain: sv => x.encodeAgain(sv ? put(sv) : 0),
      stateVector: () => take(x.stateVector()),
      merge: updates => take(x.merge(putAll(updates))),
      keep: x.keep,
      memory: x.heap
    }
  }
}

// What the main thread ran, in ms, from Linux; elsewhere the time of day.
function ran () {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[0]) / 1e6
  } catch {
    return performance.now()
  }
}
function quartile (n, f) {
  const times = []
  for (let i = 0; i < n; i++) {
    const start = performance.now()
    f()
    times.push(performance.now() - start)
  }
  return times.sort((a, b) => a - b)[n >> 2]
}

const e = await engines[engine]()
const figures = {}
const final = new Uint8Array(file('b4-final.v1.bin.gz'))
let b4 = log('b4-updates.bin.gz')

e.openQuiet()
const start = ran()
e.load(final)
figures.loadCold = ran() - start

// ywasm encodes the whole delete set for each event: its figure is that of the
// first part of B4, scaled.
const part = engine === 'ywasm' ? 20000 : b4.length
function replay (updates, n = updates.length) {
  e.open()
  const start = ran()
  let half
  for (let i = 0; i < n; i++) {
    if (i === updates.length >> 1) half = e.stateVector()
    if (e.apply(updates[i]).length === 0) throw new Error('no event')
  }
  return { time: (ran() - start) * updates.length / n, half }
}
for (const name of ['friendsforever', 'rustcode', 'sveltecomponent']) {
  figures[name] = replay(log(`trace-${name}.bin.gz`)).time
}
figures.b4 = replay(b4, part).time

e.openQuiet()
for (let i = 0; i < b4.length >> 1; i++) e.load(b4[i])
const half = e.stateVector()
const small = b4.slice(0, 1000)
b4 = null
figures.load = quartile(40, () => { e.openQuiet(); e.load(final) })
figures.encode = quartile(99, () => e.encode())
figures.diff = quartile(99, () => e.encode(half))
if (e.encodeAgain) {
  figures.encodeAgain = quartile(99, () => e.encodeAgain())
  figures.diffAgain = quartile(99, () => e.encodeAgain(half))
}
figures.stateVector = quartile(20, () => { for (let i = 0; i < 1000; i++) e.stateVector() })
if (e.merge) figures.merge = quartile(40, () => e.merge(small))

const kept = []
const before = e.memory()
for (let i = 0; i < 20; i++) {
  e.openQuiet()
  e.load(final)
  e.keep(kept)
}
figures.memory = (e.memory() - before) / 20

function varUint (v) {
  const bytes = []
  for (; v >= 128; v = Math.floor(v / 128)) bytes.push(v % 128 | 128)
  return [...bytes, v]
}
// The update of one typed letter: behind the client's last one, or the first in
// the root text.
function typed (client, clock) {
  const place = clock === 0 ? [4, 1, 4, 116, 101, 120, 116] : [0x84, ...varUint(client), ...varUint(clock - 1)]
  return new Uint8Array([1, 1, ...varUint(client), ...varUint(clock), ...place, 1, 120, 0])
}
for (const clients of [10, 30000]) {
  e.open()
  const history = []
  e.openQuiet()
  for (let i = 0; i < clients; i++) history.push(typed(1000 + i * 7, 0))
  const slow = engine !== 'tidemark' && clients > 1000
  if (engine === 'tidemark') {
    for (const u of history) e.load(u)
  } else {
    // One update of all: one by one, each costs as much as all clients before.
    const { mergeUpdates } = await import('yjs')
    e.load(mergeUpdates(history))
  }
  const keys = slow ? 50 : 20000
  const type = client => Array.from({ length: keys }, (_, i) => typed(client, i))
  for (const u of type(3)) e.apply(u)
  const updates = type(5)
  const start = ran()
  for (const u of updates) e.apply(u)
  figures[`key${clients}`] = (ran() - start) * 1000 / keys
}
console.log(JSON.stringify(figures))
process.exit(0)
